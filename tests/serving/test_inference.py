from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.serving.guarded import guarded
from tests.serving.shop import Client, histories, order

CLIENT = Client(guarded())
INFER = "/v2/models/repurchase/infer"
# Four order lines of three customers; c's are all after as_of.
LINES: dict[str, list[Any]] = {
    "customer_id": ["b", "a", "b", "c"],
    "ordered_at": ["1998-03-01", "1998-03-04", "1998-02-01", "1999-03-04"],
    "amount": [10.0, 20.0, 5.0, 1.0],
}
KINDS = {
    "customer_id": "BYTES",
    "ordered_at": "BYTES",
    "amount": "FP64",
    "order_id": "BYTES",
    "returned": "BOOL",
}
AT = {"as_of": "1998-04-01"}


def tensors(columns: dict[str, list[Any]], **more: Any) -> dict[str, Any]:
    inputs = [
        {"name": name, "datatype": KINDS.get(name, "FP64"), "shape": [len(values)], "data": values}
        for name, values in columns.items()
    ]
    return {"inputs": inputs, "parameters": AT, **more}


def rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def split(columns: dict[str, list[Any]]) -> dict[str, Any]:
    return {"columns": list(columns), "data": [list(row) for row in zip(*columns.values(), strict=True)]}


FORMS: dict[str, dict[str, Any]] = {
    "dataframe_split": {"dataframe_split": split(LINES)},
    "with an index": {"dataframe_split": {**split(LINES), "index": [0, 1, 2, 3]}},
    "dataframe_records": {"dataframe_records": rows(LINES)},
    "inputs by row": {"inputs": rows(LINES)},
    "inputs by column": {"inputs": LINES},
    "instances": {"instances": rows(LINES)},
}


def post(path: str, body: Any) -> httpx.Response:
    return CLIENT.send("POST", path, json=body)


def scored() -> dict[str, dict[str, Any]]:
    body = histories(b=[order("1998-03-01"), order("1998-02-01", 5.0)], a=[order("1998-03-04", 20.0)]) | AT
    return {each["customer_id"]: each for each in CLIENT.score(body).json()["scores"]}


def test_tensors_get_the_scores_of_posted_histories_in_their_order() -> None:
    answer = post(INFER, tensors(LINES, id="r-1")).json()
    outputs = {each["name"]: each["data"] for each in answer["outputs"]}
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("repurchase", "v1", "r-1")
    assert outputs["customer_id"] == ["b", "a"]
    for name in ("p_repurchase_30d", "expected_value_90d", "clv", "recency_days", "confidence"):
        assert outputs[name] == [scored()[each][name] for each in "ba"]
    assert answer["parameters"] == {
        "as_of": "1998-04-01", "as_of_from": "request", "scored_at": "1998-07-01T09:30:00+00:00",
        "valid_until": "1998-04-08", "currency": "USD", "not_scored": 1,
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_invocation_gets_the_same_scores(form: str) -> None:
    answer = post("/invocations", FORMS[form] | {"params": AT}).json()
    assert [each["customer_id"] for each in answer["predictions"]] == ["b", "a"]
    ours = scored()
    for each in answer["predictions"]:
        assert all(each[name] == ours[each["customer_id"]][name] for name in ("p_repurchase_90d", "clv"))
    assert (answer["as_of"], answer["currency"], answer["not_scored"]) == ("1998-04-01", "USD", 1)


def test_horizons_are_asked_for_in_either_protocol() -> None:
    by_tensor = post(INFER, tensors(LINES, parameters={"horizons": "45,60"})).json()
    by_row = post("/invocations", {"inputs": LINES, "params": {"horizons": [45, 60]}}).json()
    names = {each["name"] for each in by_tensor["outputs"]}
    assert {"p_repurchase_45d", "p_repurchase_60d"} <= names and "p_repurchase_30d" not in names
    assert names == set(by_row["predictions"][0])


def test_only_the_asked_outputs_are_answered() -> None:
    wanted = ["p_repurchase_90d", "customer_id"]
    answer = post(INFER, tensors(LINES, outputs=[{"name": name} for name in wanted])).json()
    assert [each["name"] for each in answer["outputs"]] == wanted


def test_what_is_left_out_in_a_row_is_left_out() -> None:
    columns = {**LINES, "order_id": ["1", "", "2", ""], "returned": [False, None, False, None]}
    assert post(INFER, tensors(columns)).status_code == 200
    with_nulls = [{**row, "coupon": None, "returned": None} for row in rows(LINES)]
    assert post("/invocations", {"inputs": with_nulls}).status_code == 200


def test_nobody_with_orders_is_an_answer_without_predictions() -> None:
    late = {**LINES, "ordered_at": ["1999-03-01"] * 4}
    answer = post(INFER, tensors(late)).json()
    assert {tuple(each["shape"]) for each in answer["outputs"]} == {(0,)}
    assert answer["parameters"]["not_scored"] == 3
    assert post("/invocations", {"inputs": late, "params": AT}).json()["predictions"] == []


def test_the_model_tells_what_it_takes_and_answers() -> None:
    told = CLIENT.get("/v2/models/repurchase").json()
    assert (told["name"], told["versions"]) == ("repurchase", ["v1"])
    assert {"name": "amount", "datatype": "FP64", "shape": [-1]} in told["inputs"]
    outputs = post(INFER, tensors(LINES)).json()["outputs"]
    assert [(each["name"], each["datatype"]) for each in outputs] == [
        (each["name"], each["datatype"]) for each in told["outputs"]
    ]


@pytest.mark.parametrize("path", ["/v2/models/secret", "/v2/models/secret/ready", "/v2/models/secret/infer"])
def test_another_model_is_not_found(path: str) -> None:
    answer = CLIENT.send("POST" if path.endswith("infer") else "GET", path, json=tensors(LINES))
    assert answer.status_code == 404 and "secret" not in answer.text


def test_the_versions_are_told_as_mlflow_is_asked_for_them() -> None:
    assert [CLIENT.get(path).text for path in ("/ping", "/version")] == ["\n", "v1"]


def changed(column: str, at: int, value: Any) -> dict[str, list[Any]]:
    return {**LINES, column: [value if place == at else old for place, old in enumerate(LINES[column])]}


WRONG = [
    ("amount", "secret"),
    ("amount", True),
    ("amount", None),
    ("ordered_at", "secret"),
    ("customer_id", 17),
]


@pytest.mark.parametrize(("column", "value"), WRONG)
def test_a_wrong_value_is_placed_in_what_was_sent_and_not_shown(column: str, value: Any) -> None:
    columns = changed(column, 2, value)
    by_tensor, by_row = (
        post(INFER, tensors(columns)),
        post("/invocations", {"dataframe_records": rows(columns)}),
    )
    assert (by_tensor.status_code, by_row.status_code) == (422, 422)
    place = list(LINES).index(column)
    assert by_tensor.json()["errors"][0]["loc"] == ["body", "inputs", place, "data", 2]
    assert by_row.json()["errors"][0]["loc"] == ["body", "dataframe_records", 2, column]
    assert "secret" not in by_tensor.text + by_row.text


BAD_TENSORS: dict[str, Any] = {
    "nothing": {},
    "no inputs": {"inputs": []},
    "a column short": tensors({name: LINES[name] for name in ("customer_id", "ordered_at")}),
    "unknown column": tensors(LINES | {"secret": [1.0] * 4}),
    "a column twice": {"inputs": tensors(LINES)["inputs"] + tensors(LINES)["inputs"][:1]},
    "columns of two lengths": tensors({**LINES, "amount": [1.0]}),
    "a shape that lies": {"inputs": [each | {"shape": [5]} for each in tensors(LINES)["inputs"]]},
    "a matrix": {"inputs": [each | {"shape": [2, 2]} for each in tensors(LINES)["inputs"]]},
    "nested data": tensors(changed("amount", 0, [1.0])),
    "numbers as bytes": {"inputs": [each | {"datatype": "BYTES"} for each in tensors(LINES)["inputs"]]},
    "binary data": {"inputs": [each | {"parameters": {"binary_data_size": 4}} for each in tensors(LINES)["inputs"]]},
    "unknown output": tensors(LINES, outputs=[{"name": "secret"}]),
    "no lines": tensors({name: [] for name in LINES}),
    "horizons as words": tensors(LINES, parameters={"horizons": "30,secret"}),
    "a horizon too long": tensors(LINES, parameters={"horizons": "9999"}),
    "an e-mail as id": tensors(LINES, id="secret@example.com"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TENSORS)
def test_tensors_that_do_not_fit_are_refused(name: str) -> None:
    answer = post(INFER, BAD_TENSORS[name])
    assert answer.status_code == 422 and answer.json()["errors"] and "secret" not in answer.text


BAD_INVOCATIONS: dict[str, Any] = {
    "nothing": {},
    "two forms": {"inputs": LINES, "instances": LINES},
    "an unknown form": {"secret": LINES},
    "an unknown column": {"inputs": LINES | {"secret": [1] * 4}},
    "an unknown field of a record": {"dataframe_records": [rows(LINES)[0] | {"secret": 1}]},
    "a column short": {"dataframe_split": {"columns": ["customer_id", "amount", "country"], "data": []}},
    "a ragged row": {"dataframe_split": {**split(LINES), "data": [["a", "1998-03-01"]]}},
    "records that are none": {"dataframe_records": [1, 2]},
    "no rows": {"dataframe_records": []},
    "a record without a customer": {"dataframe_records": [{"ordered_at": "1998-03-01", "amount": 1}]},
    "params that are unknown": {"inputs": LINES, "params": {"secret": 1}},
}


@pytest.mark.parametrize("name", BAD_INVOCATIONS)
def test_invocations_that_do_not_fit_are_refused(name: str) -> None:
    answer = post("/invocations", BAD_INVOCATIONS[name])
    assert answer.status_code == 422 and answer.json()["errors"] and "secret" not in answer.text


def test_an_invocation_in_csv_is_not_taken() -> None:
    answer = CLIENT.send("POST", "/invocations", content=b"a,b", headers={"content-type": "text/csv"})
    assert answer.status_code == 415
