"""The view has every field of the record but what is nobody's business outside."""

from services.gateway.views import HIDDEN, InputView, JobView, OptionsView, PatchView, RegionView
from shared.contracts.jobs import InputInfo, JobOptions, JobRecord
from shared.contracts.values import Patch, Region


def test_a_new_field_of_the_record_is_shown():
    assert JobRecord.model_fields.keys() <= JobView.model_fields.keys()
    assert InputInfo.model_fields.keys() - HIDDEN["input"] == InputView.model_fields.keys()
    assert JobOptions.model_fields.keys() - HIDDEN["options"] == OptionsView.model_fields.keys()
    assert Region.model_fields.keys() - HIDDEN["regions"]["__all__"] == RegionView.model_fields.keys()
    assert Patch.model_fields.keys() - HIDDEN["patches"]["__all__"] == PatchView.model_fields.keys()
