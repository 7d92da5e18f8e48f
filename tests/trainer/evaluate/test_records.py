from trainer.evaluate import records
from trainer.evaluate.records import Key


def test_keys():
    record = {
        "text": "",
        "sample": 3,
        "model": "m",
        "suite": "s",
        "problem": "p",
        "temperature": 0.2,
    }
    assert records.key(record) == Key("m", "s", "p", 0.2, 3)
