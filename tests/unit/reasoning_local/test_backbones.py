"""GLM-4.1V's own class, small: loaded, asked in its chat format and read as the model profile says.

Qwen2.5-VL's is what the other tests of this folder use; Ovis2.5 is reached over HTTP alone (test_openai_http).
"""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Glm4vConfig, Glm4vForConditionalGeneration, Glm4vProcessor, PreTrainedTokenizerFast
from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil

from services.reasoning.backends.base import Picture, Question
from services.reasoning.backends.transformers_local import TransformersLocal
from services.reasoning.chat import messages
from services.reasoning.network import load_network
from services.reasoning.processors import for_pictures, load_processor, save_processor
from services.reasoning.reasoners import Source, served
from shared.images import encode_png

# Of the library's own conversion of patches.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TOKENS = (
    "<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|begin_of_image|>", "<|image|>",
    "<|end_of_image|>", "<|begin_of_video|>", "<|video|>", "<|end_of_video|>",
)  # fmt: skip
TEMPLATE = (
    "[gMASK]<sop>{% for message in messages %}<|{{ message['role'] }}|>\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|begin_of_image|><|image|><|end_of_image|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learner.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=256, initial_alphabet=alphabet, show_progress=False)
    learner.train_from_iterator(["a"], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=learner,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.add_tokens([AddedToken(token, special=True) for token in TOKENS])
    ids = tokenizer.get_added_vocab()
    config = Glm4vConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 1024,
            "rope_parameters": {
                "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5, "mrope_section": [2, 3, 3],
            },
            "pad_token_id": ids["<|endoftext|>"], "eos_token_id": [ids["<|endoftext|>"], ids["<|user|>"]],
        },
        vision_config={
            "depth": 2, "hidden_size": 64, "num_heads": 2, "image_size": 112, "out_hidden_size": 64,
            "intermediate_size": 128,
        },
        image_token_id=ids["<|image|>"], video_token_id=ids["<|video|>"],
        image_start_token_id=ids["<|begin_of_image|>"], image_end_token_id=ids["<|end_of_image|>"],
        video_start_token_id=ids["<|begin_of_video|>"], video_end_token_id=ids["<|end_of_video|>"],
    )  # fmt: skip
    torch.manual_seed(0)
    model = Glm4vForConditionalGeneration(config)
    model.generation_config.eos_token_id = [ids["<|endoftext|>"], ids["<|user|>"]]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    out = tmp_path_factory.mktemp("glm") / "small-glm"
    model.save_pretrained(out)
    pictures = Glm4vImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 112 * 112 * 2})
    save_processor(for_pictures(Glm4vProcessor)(pictures, tokenizer, chat_template=TEMPLATE), out)
    return out


def question(grey: int = 90) -> Question:
    import numpy as np

    picture = Picture(encode_png(np.full((90, 60, 3), grey, np.uint8)), "image/png")
    return Question("Judge.", picture, "Prompt: x", picture, "Place: 1 2 3 4")


def test_its_own_classes_and_its_own_turns(folder: Path) -> None:
    source = Source("glm", str(folder), chat=served("glm-4.1v-9b-thinking").chat)
    network = load_network(source)
    assert isinstance(network.model, Glm4vForConditionalGeneration)
    assert isinstance(network.processor, Glm4vProcessor)
    text = network.processor.apply_chat_template(messages(question()), tokenize=False, add_generation_prompt=True)
    assert text.startswith(
        "[gMASK]<sop><|system|>\nJudge.<|user|>\n<|begin_of_image|><|image|><|end_of_image|>Prompt: x"
    )
    written = network.write([question(), question(200)], 5)
    assert written is not None and [one.tokens <= 5 for one in written] == [True, True]


def test_its_thoughts_are_no_part_of_the_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is real; what it writes is put in its mouth, for random weights write noise."""
    backend = TransformersLocal(Source("glm", str(folder), chat=served("glm-4.1v-9b-thinking").chat), max_tokens=200)
    backend.warm_up()
    network = backend._loaded
    assert network is not None
    said = "<think>Six fingers? Yes.</think><answer>{}</answer>"
    ids = network.processor.tokenizer(said + "<|user|>", return_tensors="pt", add_special_tokens=False)["input_ids"]
    monkeypatch.setattr(network.model, "generate", lambda **inputs: torch.cat([inputs["input_ids"], ids], dim=1))
    (reply,) = backend.ask([question()])
    assert (reply.text, reply.complete) == ("{}", True)


def test_a_processor_saved_for_servers_names_its_part_for_videos(folder: Path) -> None:
    video = json.loads((folder / "video_preprocessor_config.json").read_text())
    assert video["video_processor_type"] == "Glm4vVideoProcessor"
    assert type(load_processor(folder)).__name__ == "Glm4vProcessor"
