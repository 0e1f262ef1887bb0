"""What is wrong with the writing on one picture: each expected phrase against the lines, then what is left over.

Order: phrases where they stand; mirrored ones; words that are absent; by elimination the one sign that must be meant;
doubled words; lettering that nobody could read. At most one finding a line.
"""

from collections.abc import Sequence

from services.perception.detectors.base import Finding
from services.perception.detectors.text.alignment import LineMatch, PhraseMatch, in_reading_order, match_phrases
from services.perception.detectors.text.closer_look import lines_near
from services.perception.detectors.text.comparison import Letters, LineComparison, compare
from services.perception.detectors.text.evidence import WORST, error_rate, not_as_expected
from services.perception.detectors.text.expected import ExpectedPhrase
from services.perception.detectors.text.findings import finding_of, line_reading, whole_line
from services.perception.detectors.text.folding import as_read, case_like, fold, is_cjk, is_latin
from services.perception.detectors.text.half_mirrored import half_mirrored
from services.perception.detectors.text.layout import are_stacked, mirrored, prominence, upright
from services.perception.detectors.text.leftovers import (
    chained,
    is_as_long,
    meant_lines,
    next_line,
    repeated_line,
    repeated_word,
    substituted_lines,
    whole_comparison,
)
from services.perception.detectors.text.legibility import illegible_reading, may_be_illegible
from services.perception.detectors.text.ocr import OcrReader
from services.perception.detectors.text.reading import Line
from services.perception.detectors.text.running_text import is_out_of_place, running_text
from services.perception.detectors.text.second_reading import (
    SecondOpinion,
    faulty_words,
    read_again,
    reads_when_wider,
    reread,
)
from services.perception.detectors.text.word_breaks import agreed_breaks
from shared.contracts.base import QuadXY
from shared.contracts.values import TextFault, TextReading
from shared.images import Rgb

_POOR_MATCH = 0.75
_LIKE_ENOUGH = 0.9
_MIRROR_GAIN = 0.15
_MOST_MISREAD = 0.2
_BADLY_READ = 0.8
_CUT_HEIGHTS = 1.0
_LETTER_HEIGHTS = 0.75
_MOST_TURNED = 12


class SceneJudge:
    """Judges one picture; used once.

    Args:
        reader: reads places again.
        image: `(H, W, 3)` RGB.
        lines: all lines found on it.
    """

    def __init__(self, reader: OcrReader, image: Rgb, lines: Sequence[Line]) -> None:
        self._reader = reader
        self._image = image
        self._lines = in_reading_order(lines)
        self._size_hw = (int(image.shape[0]), int(image.shape[1]))
        self._opinions: dict[QuadXY, SecondOpinion] = {}
        self._claims: dict[int, list[LineComparison]] = {}
        self._found: dict[int, tuple[TextReading, float]] = {}
        self._running: frozenset[int] = frozenset()
        self._warnings: list[str] = []

    def judge(self, phrases: Sequence[ExpectedPhrase]) -> tuple[list[Finding], list[str]]:
        """Findings and warnings."""
        readable = [phrase for phrase in phrases if self._can_judge(phrase) and not self._reads_otherwise(phrase)]
        self._running = running_text(self._lines, sum(len(phrase.words) for phrase in phrases))
        matches = self._unmirror(self._placed(readable))
        for match in matches:
            for entry in match.lines:
                self._claims.setdefault(entry.line, []).append(entry.comparison)
        for match in matches:
            for entry in match.lines:
                self._judge_entry(entry)
        for match in matches:
            if match.lines and not match.phrase.weak:
                self._judge_absent(match)
        for match in matches:
            if not match.lines and not match.phrase.weak:
                self._judge_by_elimination(match.phrase)
        self._judge_doubled()
        self._judge_illegible()
        findings = [finding_of(reading, evidence, self._size_hw) for reading, evidence in self._found.values()]
        return [finding for finding in findings if finding is not None], self._warnings

    def _placed(self, phrases: Sequence[ExpectedPhrase]) -> list[PhraseMatch]:
        """Where the phrases stand; none on words picked out of running text."""
        barred: dict[int, frozenset[int]] = {}
        while True:
            matches = match_phrases(phrases, self._lines, barred)
            out = [i for i, match in enumerate(matches) if is_out_of_place(match, self._lines, self._running)]
            if not out:
                return list(matches)
            barred |= dict.fromkeys(out, self._running)

    def _can_judge(self, phrase: ExpectedPhrase) -> bool:
        letters = fold(phrase.text)
        if is_latin(letters) or all(c.isascii() or (is_cjk(c) and self._reader.can_write(c)) for c in letters):
            return True
        if not phrase.weak:
            self._warnings.append(f'"{phrase.text}" is in a script that the text detector cannot read: check it by eye')
        return False

    def _reads_otherwise(self, phrase: ExpectedPhrase) -> bool:
        """Whether it stands there to the letter in the other spelling that the reader has for it."""
        others = [ExpectedPhrase(spelling) for spelling in as_read(phrase.text)[1:]]
        return any(_likeness(match) == 1.0 for match in match_phrases(others, self._lines))

    def _opinion(self, quad: QuadXY) -> SecondOpinion:
        if quad not in self._opinions:
            self._opinions[quad] = read_again(self._reader, self._image, quad)
        return self._opinions[quad]

    def _open_lines(self) -> list[Line]:
        """Those that no phrase claims and that may be meant for one."""
        used = self._claims.keys() | self._found.keys() | self._running
        return [line for i, line in enumerate(self._lines) if i not in used]

    def _judge_entry(self, entry: LineMatch) -> None:
        if not entry.comparison.faulty or entry.line in self._found:
            return
        line = self._lines[entry.line]
        opinion = self._opinion(line.quad_px)
        comparison = self._compared_again(entry, opinion)
        faulty = [i for i in faulty_words(comparison, opinion) if not _shows_up(comparison, i, opinion)]
        if faulty and not self._was_cut(line, comparison):
            self._found[entry.line] = self._seen_from_behind(*line_reading(line, comparison, faulty))

    def _compared_again(self, entry: LineMatch, opinion: SecondOpinion) -> LineComparison:
        """The same words, with the line's own words told apart by all its readings together."""
        line = self._lines[entry.line]
        letters = Letters.of(line.reading, agreed_breaks(line.reading, opinion.readings))
        claims = self._claims[entry.line]
        others = [claim for claim in claims if claim is not entry.comparison]
        taken = [any(o.start <= c < o.end for o in others) for c in letters.character]
        again = compare(entry.phrase.words[entry.first : entry.last], line.reading, letters, taken)
        if again.start == again.end:
            return entry.comparison
        self._claims[entry.line] = [*others, again]
        return again

    def _was_cut(self, line: Line, comparison: LineComparison) -> bool:
        """Whether only letters are missing, and a wider crop has them: the finder had cut the line short."""
        words = [word.expected for word in comparison.words]
        if fold(line.text) not in fold("".join(words)):
            return False
        return reads_when_wider(self._reader, self._image, line, words, _CUT_HEIGHTS)

    def _unmirror(self, matches: Sequence[PhraseMatch]) -> list[PhraseMatch]:
        """Phrases that stand poorly or nowhere, sought with every line read from behind; the others are returned."""
        poor = [m for m in matches if _likeness(m) < _LIKE_ENOUGH and not m.phrase.weak]
        good_lines = {entry.line for m in matches if m not in poor for entry in m.lines}
        numbers = [i for i in range(len(self._lines)) if i not in good_lines and i not in self._running]
        numbers = sorted(sorted(numbers, key=lambda i: -prominence(self._lines[i], self._size_hw))[:_MOST_TURNED])
        if not poor or not numbers:
            return list(matches)
        from_behind = [self._from_behind(self._lines[i]) for i in numbers]
        ordered = in_reading_order(from_behind)
        number_of = {id(line): number for line, number in zip(from_behind, numbers, strict=True)}
        kept = [m for m in matches if m not in poor]
        for before, turned in zip(poor, match_phrases([m.phrase for m in poor], ordered), strict=True):
            if not turned.lines or _likeness(turned) < max(_LIKE_ENOUGH, _likeness(before) + _MIRROR_GAIN):
                kept.append(before)
                continue
            for entry in turned.lines:
                self._report_mirrored(number_of[id(ordered[entry.line])], ordered[entry.line], entry)
        return [match for match in kept if match not in poor or not self._is_half_mirrored(match, numbers)]

    def _is_half_mirrored(self, match: PhraseMatch, numbers: Sequence[int]) -> bool:
        """Reports a badly read one of these lines where some of the phrase's words are mirrored, the others right."""
        for number in numbers:
            line = self._lines[number]
            if line.reading.confidence >= _BADLY_READ or number in self._found:
                continue
            reading = half_mirrored(self._reader, self._image, line, match.phrase.words)
            if reading is not None:
                self._found[number] = (reading, not_as_expected(reading.text, reading.expected or ""))
                return True
        return False

    def _from_behind(self, line: Line) -> Line:
        """The line read from behind, in the better of the two directions."""
        tl, tr, br, bl = line.quad_px
        quads = [mirrored(line.quad_px), mirrored((br, bl, tl, tr))]
        readings = self._reader.read_lines(self._image, quads)
        best = max(range(2), key=lambda i: readings[i].confidence)
        return Line(quads[best], readings[best], line.detection)

    def _seen_from_behind(self, reading: TextReading, evidence: float) -> tuple[TextReading, float]:
        """The same fault, called mirrored where its place reads as expected from behind."""
        if not reading.expected or reading.fault in (TextFault.MISSING, TextFault.DOUBLED):
            return reading, evidence
        behind = self._reader.read_line(self._image, mirrored(reading.quad_px))
        if error_rate(behind.text, reading.expected) > min(_MOST_MISREAD, error_rate(reading.text, reading.expected)):
            return reading, evidence
        return reading.model_copy(update={"fault": TextFault.MIRRORED}), evidence

    def _report_mirrored(self, number: int, behind: Line, entry: LineMatch) -> None:
        line = self._lines[number]
        place = upright(line.quad_px)
        reading = whole_line(behind, entry.comparison, TextFault.MIRRORED, place)
        reading = reading.model_copy(update={"text": line.text, "line_text": line.text})
        self._found[number] = (reading, not_as_expected(line.text, reading.line_expected or ""))

    def _judge_absent(self, match: PhraseMatch) -> None:
        """Words of a phrase that no line carries although other words of it are there."""
        words = match.phrase.words
        for run in _runs(match.absent_words):
            absent = tuple(words[i] for i in run)
            neighbours = [self._lines[entry.line] for entry in match.lines]
            if any(self._continues(entry, run, words) for entry in match.lines):
                continue
            if any(self._is_garbled_within(entry, run, words) for entry in match.lines):
                continue
            if self._is_substituted(match, run, absent):
                continue
            if self._stands_nearby(absent, neighbours) or self._is_a_garbled_neighbour(absent, neighbours):
                continue
            entry = max(
                match.lines, key=lambda e: -abs(e.last - run[0]) if e.last <= run[0] else -abs(e.first - run[-1])
            )
            line = self._lines[entry.line]
            cased = " ".join(case_like(word, line.text) for word in absent)
            whole = entry.comparison.expected_line
            expected = f"{whole} {cased}" if entry.last <= run[0] else f"{cased} {whole}"
            reading = whole_line(line, entry.comparison, TextFault.MISSING, expected=expected)
            self._found[entry.line] = (reading, WORST)

    def _continues(self, entry: LineMatch, run: Sequence[int], words: Sequence[str]) -> bool:
        """Whether a wider crop of the line has the absent words before or after its own."""
        if entry.last != run[0] and entry.first != run[-1] + 1:
            return False
        together = words[min(entry.first, run[0]) : max(entry.last, run[-1] + 1)]
        letters = len(fold("".join(words[i] for i in run)))
        return reads_when_wider(
            self._reader, self._image, self._lines[entry.line], together, _CUT_HEIGHTS + _LETTER_HEIGHTS * letters
        )

    def _is_garbled_within(self, entry: LineMatch, run: Sequence[int], words: Sequence[str]) -> bool:
        """Reports letters of the line that no word claims, where the absent ones belong, as those gone wrong."""
        line, comparison = self._lines[entry.line], entry.comparison
        if entry.last == run[0]:
            rest, together = line.text[comparison.end :], words[entry.first : run[-1] + 1]
        elif entry.first == run[-1] + 1:
            rest, together = line.text[: comparison.start], words[run[0] : entry.last]
        else:
            return False
        absent = [words[i] for i in run]
        if len(self._claims.get(entry.line, ())) > 1 or not is_as_long(absent, rest):
            return False
        opinion = self._opinion(line.quad_px)
        whole = whole_comparison(line, together, agreed_breaks(line.reading, opinion.readings))
        faulty = faulty_words(whole, opinion)
        if faulty:
            self._found[entry.line] = self._seen_from_behind(*line_reading(line, whole, faulty))
        return True

    def _is_substituted(self, match: PhraseMatch, run: Sequence[int], absent: Sequence[str]) -> bool:
        """Reports unclaimed lines set where the absent words belong as those words gone wrong.

        Between the lines of the words before and after, or, at an end of the phrase, the one line of like height
        that follows (or goes before) and has as many words and about as many letters.
        """
        before = [entry.line for entry in match.lines if entry.last <= run[0]]
        after = [entry.line for entry in match.lines if entry.first > run[-1]]
        open_lines = self._open_lines()
        if before and after:
            between = [line for line in open_lines if before[-1] < self._number_of(line) < after[0]]
            chain = chained(self._lines[before[-1]], between, self._lines[after[0]])
            meant = substituted_lines(absent, chain)
        else:
            number, here = (before[-1] + 1, before[-1]) if before else (after[0] - 1, after[0])
            meant = next_line(absent, self._lines[here], [ln for ln in open_lines if self._number_of(ln) == number])
        self._report_meant(meant)
        return bool(meant)

    def _number_of(self, line: Line) -> int:
        return next(i for i, other in enumerate(self._lines) if other is line)

    def _stands_nearby(self, words: Sequence[str], neighbours: Sequence[Line]) -> bool:
        """Whether a closer look finds the words by their neighbours, where the first look overlooked them."""
        closer = in_reading_order(lines_near(self._reader, self._image, neighbours, len(fold("".join(words)))))
        found = match_phrases([ExpectedPhrase(" ".join(words))], closer)[0]
        return not found.absent_words and _likeness(found) >= _POOR_MATCH

    def _is_a_garbled_neighbour(self, words: Sequence[str], neighbours: Sequence[Line]) -> bool:
        """Reports the unclaimed line beside the phrase's others, about as long as the words, as those words."""
        beside = [line for line in self._open_lines() if any(are_stacked(line, n) for n in neighbours)]
        meant = meant_lines(words, beside, self._size_hw)
        self._report_meant(meant)
        return bool(meant)

    def _judge_by_elimination(self, phrase: ExpectedPhrase) -> None:
        meant = meant_lines(phrase.words, self._open_lines(), self._size_hw)
        if meant:
            self._report_meant(meant)
            return
        self._warnings.append(
            f'no place was found for "{phrase.text}": send a region with --regions to say where it belongs'
        )

    def _report_meant(self, meant: Sequence[tuple[Line, tuple[str, ...]]]) -> None:
        for line, words in meant:
            number = self._number_of(line)
            opinion = self._opinion(line.quad_px)
            comparison = whole_comparison(line, words, agreed_breaks(line.reading, opinion.readings))
            if not faulty_words(comparison, opinion):
                self._claims.setdefault(number, []).append(comparison)
                continue
            reading = whole_line(line, comparison, None)
            self._found[number] = (reading, not_as_expected(line.text, reading.line_expected or ""))

    def _judge_doubled(self) -> None:
        for number, comparisons in self._claims.items():
            doubled = repeated_word(self._lines[number], comparisons) if number not in self._found else None
            if doubled is not None:
                self._found[number] = (doubled, not_as_expected(doubled.text, ""))
        claimed = [(self._lines[i], comparison) for i, all_ in self._claims.items() for comparison in all_]
        for number, line in enumerate(self._lines):
            if number in self._claims or number in self._found or not repeated_line(line, claimed, self._lines):
                continue
            comparison = whole_comparison(line, (line.text,))
            reading = whole_line(line, comparison, TextFault.DOUBLED, expected="")
            self._found[number] = (reading, not_as_expected(line.text, ""))

    def _judge_illegible(self) -> None:
        """Tall lettering that reads badly however it is read; other words that nobody asked for are left alone."""
        for number, line in enumerate(self._lines):
            if number in self._claims or number in self._found or not may_be_illegible(line, self._size_hw):
                continue
            opinion = self._opinion(line.quad_px)
            reading = illegible_reading(line, max(opinion.confidence, self._from_behind(line).reading.confidence))
            if reading is not None:
                self._found[number] = (reading, 1.0 - reading.confidence)


def lacks_words(phrases: Sequence[ExpectedPhrase], lines: Sequence[Line]) -> bool:
    """Whether a word that ought to be there stands on none of the lines, so that it is worth looking again."""
    wanted = [phrase for phrase in phrases if not phrase.weak]
    return any(match.absent_words for match in match_phrases(wanted, in_reading_order(lines)))


def _shows_up(comparison: LineComparison, number: int, opinion: SecondOpinion) -> bool:
    """Whether a word that is missing from the plain reading stands in another variant of it."""
    if not comparison.words[number].is_missing:
        return False
    words = [word.expected for word in comparison.words]
    return any(reread(words, reading).words[number].edits == 0 for reading in opinion.readings)


def _likeness(match: PhraseMatch) -> float:
    """Share of the phrase's letters that are right where it stands; 0 where it stands nowhere."""
    words = match.phrase.words
    total = sum(len(fold(word)) for word in words)
    right = sum(entry.similarity * len(fold("".join(words[entry.first : entry.last]))) for entry in match.lines)
    return right / max(1, total)


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
