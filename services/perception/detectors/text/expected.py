"""The words that a prompt wants written: quoted, or after "that says", "the word", "text:" and their like.

Careful rather than complete: a word that the prompt does not clearly want costs a false alarm, a word overlooked only
a flaw not found. Knows strings only.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.perception.detectors.text.folding import fold
from services.perception.detectors.text.quotes import Quote, find_quotes


@dataclass(frozen=True)
class ExpectedPhrase:
    """Words that ought to be there.

    A weak phrase (a quoted name or title that need not be written anywhere) counts only where the picture shows
    something close to it.
    """

    text: str
    weak: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Its words that have letters or digits; a sign between two (Fish & Chips) goes with the one behind it."""
        words: list[str] = []
        signs = ""
        for word in self.text.split():
            if not fold(word):
                signs += f"{word} "
                continue
            words.append(signs + word)
            signs = ""
        if words and signs:
            words[-1] += f" {signs.strip()}"
        return tuple(words)


_WRITING = re.compile(
    r"\b(?:signs?|signage|signboards?|says?|saying|said|reads?|reading|texts?|labels?|label?led|posters?|banners?|logos?"
    r"|books?|covers?|t-?shirts?|shirts?|tees?|hoodies?|jerseys?|caps?|neon|written|writing|handwritten|handwriting"
    r"|letters?|lettering|letterhead|words?|typography|typeface|fonts?|billboards?|plaques?|plates?|chalkboards?"
    r"|blackboards?|whiteboards?|boards?|menus?|cards?|magazines?|newspapers?|headlines?|titles?|titled|captions?"
    r"|captioned|graffiti|stickers?|storefronts?|shopfronts?|inscriptions?|inscribed|engraved|embroidered|printed"
    r"|stamped|spelled|spelt|spells?|spelling|tattoos?|badges?|flags?|marquees?|screens?|displays?|displaying|pages?"
    r"|notes?|envelopes?|tickets?|tags?|packages?|packaging|slogans?|calligraphy|carved|mugs?|slides?|placards?"
    r"|leaflets?|flyers?|brochures?|invitations?|certificates?|diplomas?|scoreboards?|mottos?"
    r"|cakes?|icing|name ?tags?)\b",
    re.IGNORECASE,
)
_VENUE = re.compile(
    r"\b(?:shops?|stores?|caf[eé]s?|coffee ?shops?|restaurants?|bars?|pubs?|hotels?|motels?|inns?|diners?"
    r"|bakery|bakeries|cinemas?|theat(?:er|re)s?|salons?|boutiques?|bistros?|pharmacy|market|brand|company|boat|ship|magazine)\b",
    re.IGNORECASE,
)
_NOT_WRITTEN = re.compile(
    r"(?:\b(?:named|nicknamed|known as|a\.?k\.?a\.?|alias|dubbed|(?:style|spirit|vein|mood|look) of|films?|movies?"
    r"|songs?|albums?|bands?|novels?|series|(?:video ?)?games?|shows?|characters?|scenes? from|from|inspired by"
    r"|based on|by|like|as|playing|of|the so-called|so-called)(?: the)?)\s*[:,]?\s*$",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\bcalled\s*$", re.IGNORECASE)

_OPENERS = re.compile(
    r"\b(?P<clear>(?:that|which)\s+(?:says|say|reads|read|spells(?:\s+out)?|spell(?:\s+out)?)"
    r"|the\s+(?:words?|phrases?|texts?|letters|slogan|caption|headline|inscription|message|title)"
    r"|(?:with|has|bearing|showing)\s+(?:the\s+)?text|labelled|labeled|captioned|inscribed(?:\s+with)?"
    r"|texts?\s*:|titled|entitled|caption\s*:|title\s*:|headline\s*:|slogan\s*:)"
    r"|\b(?P<vague>says|saying|reads|reading|spelling(?:\s+out)?|written|spells(?:\s+out)?)(?=[\s:])",
    re.IGNORECASE,
)
_OPENER_TAIL = re.compile(r"\s*(?:(?:as|are|is|reading|saying|says)\s+)?[:\-–—]?\s*", re.IGNORECASE)

_STOP_WORDS = """
    a an the this that these those his her its their my your our he she it they we i in on at with and or but by near
    from to into onto over under above below beside behind beneath between across against along around through of for
    as while when where which who whose is are was were be been has have had next front inside outside during after
    before than then so very all both each some any out off up down hanging standing mounted painted carved made set
    placed lit glowing surrounded using visible clearly
"""
_STOPS = frozenset(_STOP_WORDS.split())
_CONNECTORS = frozenset({"of", "the", "to", "&", "de", "la", "le", "du", "des", "for", "a"})
_MOST_SMALL_WORDS = 3


def expected_phrases(prompt: str, expected_text: Sequence[str] = ()) -> tuple[ExpectedPhrase, ...]:
    """What ought to be written: the caller's own `expected_text` where there is any, else what the prompt says."""
    if expected_text:
        return _distinct(ExpectedPhrase(" ".join(text.split())) for text in expected_text)
    quotes = find_quotes(prompt)
    phrases: list[tuple[int, ExpectedPhrase]] = [
        (quote.start, ExpectedPhrase(quote.text, weak=not _is_wanted(prompt, quote))) for quote in quotes
    ]
    phrases += _unquoted(prompt, quotes)
    return _distinct(phrase for _, phrase in sorted(phrases, key=lambda pair: pair[0]))


def _distinct(phrases: Iterable[ExpectedPhrase]) -> tuple[ExpectedPhrase, ...]:
    """Each phrase once; a strong mention outweighs a weak one."""
    kept: dict[str, ExpectedPhrase] = {}
    for phrase in phrases:
        key = fold(phrase.text)
        if key and (key not in kept or (kept[key].weak and not phrase.weak)):
            kept[key] = phrase
    return tuple(kept.values())


def _is_wanted(prompt: str, quote: Quote) -> bool:
    before = re.split(r"[.;!?\n](?:\s|$)", _blank_quotes(prompt[: quote.start]))[-1]
    after = re.split(r"[.;!?\n](?:\s|$)", _blank_quotes(prompt[quote.end :]))[0]
    near_before, near_after = " ".join(before.split()[-14:]), " ".join(after.split()[:9])
    if _CALLED.search(before):
        return _VENUE.search(" ".join(before.split()[-5:])) is not None
    if _NOT_WRITTEN.search(before) and not _follows_lettering(before):
        return False
    return _WRITING.search(near_before) is not None or _WRITING.search(near_after) is not None


def _follows_lettering(before: str) -> bool:
    """`the letters of "X"`, `a neon sign of "X"`: what is named there is written."""
    return (
        re.search(r"\b(?:words?|letters|lettering|signs?|logos?|texts?|neon)\s+(?:of|for|as|like)\s*$", before, re.I)
        is not None
    )


def _blank_quotes(text: str) -> str:
    for quote in reversed(find_quotes(text)):
        text = text[: quote.start] + " ␣ " + text[quote.end :]
    return text


def _unquoted(prompt: str, quotes: Sequence[Quote]) -> list[tuple[int, ExpectedPhrase]]:
    found: list[tuple[int, ExpectedPhrase]] = []
    for opener in _OPENERS.finditer(prompt):
        if any(quote.start <= opener.start() < quote.end for quote in quotes):
            continue
        tail = _OPENER_TAIL.match(prompt, opener.end())
        start = tail.end() if tail else opener.end()
        if any(quote.start <= start < quote.end for quote in quotes):
            continue  # the quotation that follows is what is meant
        shouted = re.match(r"[A-Z]{2}", prompt[start:]) is not None
        if opener["vague"] and not shouted and not _WRITING.search(" ".join(prompt[: opener.start()].split()[-8:])):
            continue  # a man reading, somebody saying
        limit = min((quote.start for quote in quotes if quote.start >= start), default=len(prompt))
        phrase = _leading_phrase(prompt[start:limit])
        if fold(phrase):
            found.append((opener.start(), ExpectedPhrase(phrase)))
    return found


def _leading_phrase(tail: str) -> str:
    """The words at the beginning of `tail` that are clearly those to be written."""
    clause = re.split(r"[,.;:!?()\[\]{}\n\"“”„«»]|\s[-–—]\s", tail.lstrip("\"“„«'‘`"), maxsplit=1)[0]
    words = clause.split()
    if not words:
        return ""
    return _capitalised(words) if _is_capitalised(words[0]) else _small(words)


def _is_capitalised(word: str) -> bool:
    return word[:1].isupper() or word[:1].isdigit() or (bool(word) and not word[0].isascii())


def _capitalised(words: Sequence[str]) -> str:
    shout = words[0].upper() == words[0] and sum(c.isalpha() for c in words[0]) > 1
    kept: list[str] = []
    for i, word in enumerate(words):
        fits = word.upper() == word if shout else _is_capitalised(word)
        following = words[i + 1] if i + 1 < len(words) else ""
        if fits or (word.lower() in _CONNECTORS and following and _is_capitalised(following) and not shout):
            kept.append(word)
        else:
            break
    return " ".join(kept).rstrip("'’`")


def _small(words: Sequence[str]) -> str:
    if words[0].lower() in _STOPS:
        return ""
    kept: list[str] = []
    for word in words:
        if word.lower() in _STOPS:
            break
        kept.append(word)
    unclear = len(kept) > _MOST_SMALL_WORDS or any(w.endswith(("ing", "ed", "ly")) for w in kept[1:])
    return kept[0] if unclear else " ".join(kept)
