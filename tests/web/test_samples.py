from __future__ import annotations

import pytest

from gateway.web.admin.samples import FAMILIES, Sample, added_up, exposition

READY, UP = "gateway_ready", "gateway_upstream_waiting"


def test_samples_of_one_name_and_labels_add_up():
    found = added_up([Sample.of(UP, 1, upstream="a"), Sample.of(UP, 2, upstream="a"), Sample.of(UP, 4, upstream="b"), Sample.of(READY, 1)])
    assert found == [Sample.of(UP, 3, upstream="a"), Sample.of(UP, 4, upstream="b"), Sample.of(READY, 1)]


@pytest.mark.parametrize("sample", [Sample.of(READY, 1), Sample.of(UP, 1.5, upstream="a"), Sample.of(UP, 0, upstream="")])
def test_a_sample_survives_the_way_between_processes(sample):
    assert Sample.from_json(sample.to_json()) == sample


def test_the_text_names_each_family_once_with_help_and_type():
    text = exposition([Sample.of(UP, 2, upstream="b"), Sample.of(READY, 1), Sample.of(UP, 1.25, upstream="a")])
    assert text.splitlines() == [
        f"# HELP {UP} {FAMILIES[UP][1]}",
        f"# TYPE {UP} gauge",
        f'{UP}{{upstream="a"}} 1.25',
        f'{UP}{{upstream="b"}} 2',
        f"# HELP {READY} {FAMILIES[READY][1]}",
        f"# TYPE {READY} gauge",
        f"{READY} 1",
    ]


def test_a_label_can_start_no_other_line():
    line = exposition([Sample.of(UP, 1, upstream='a"} 9\nx 1\\')]).splitlines()[2]
    assert line == f'{UP}{{upstream="a\\"}} 9\\nx 1\\\\"}} 1'


@pytest.mark.parametrize(("name", "lasts"), [("gateway_requests_total", True), (READY, False), ("process_cpu_seconds_total", False)])
def test_what_a_dead_process_counted_is_kept_and_what_it_was_is_not(name, lasts):
    assert Sample.of(name, 1).lasts is lasts
