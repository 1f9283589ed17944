#!/usr/bin/env python3
"""tables.py shows every figure in its row and column."""

import unittest

import tables


def figure(workload, contender, kind, value, unit="ns", **more):
    return {"workload": workload, "contender": contender, "kind": kind, "unit": unit,
            "value": value, "least": value, "most": value, **more}


FIGURES = [
    figure("W10 pairs", "lockd", "weir", 20, "us", **{"pairs/s": 9000}),
    figure("W10 pairs", "Redis", "peer", 30, "us", **{"pairs/s": 8000}),
    figure("W4 hop", "weir", "weir", 50),
    figure("W4 hop", "weir, new matchers", "weir", 90),
    figure("W4 hop", "baseline", "baseline", 10),
    figure("W4 hop", "asyncio", "peer", 3000.4),
    figure("memory of a routine that waits for an event of its own", "weir", "weir", 700, "bytes"),
    figure("memory of a routine that waits for an event of its own", "baseline", "baseline", 120,
           "bytes"),
]


class TablesTest(unittest.TestCase):
    def test_each_workload_has_a_row_in_the_order_of_their_numbers(self):
        table = tables.main_table(FIGURES, {"W4 hop": 1169.2})
        self.assertEqual(table[1:], [
            ["W4 hop", "50.0 ns", "10.0 ns", "5", "asyncio 3,000", "1,169", "700 / 120"],
            ["... new matchers", "90.0 ns", "10.0 ns", "9", "-", "-", "-"],
            ["W10 pairs", "20.0 us", "-", "-", "Redis 30.0", "-", "-"],
        ])

    def test_further_measurements_have_a_table_of_their_own(self):
        self.assertEqual(tables.detail_tables(FIGURES), [("W10", [
            ["workload", "", "processor time of the server", "pairs/s"],
            ["W10 pairs", "lockd", "20.0 us", "9,000"],
            ["", "Redis", "30.0 us", "8,000"],
        ])])

    def test_least_and_most_are_shown_if_they_differ(self):
        spread = figure("W4 hop", "weir", "weir", 50)
        spread["most"] = 61.25
        self.assertEqual(tables.with_spread(spread), "50.0 ns (50.0 .. 61.2)")

    def test_growth_has_a_column_for_each_size(self):
        sizes = [figure("W5 event, by routines", "weir", "weir", 7.25 * size, size=size)
                 for size in (1, 1000)]
        self.assertEqual(tables.tables(sizes, {}), [("Growth", [
            ["ns, by size", "", "1", "1,000"],
            ["W5 event, by routines", "weir", "7.2", "7,250"],
        ])])

    def test_markdown_has_a_line_below_its_head(self):
        self.assertEqual(tables.markdown("T", [["a", "b"], ["1", "2"]]),
                         "### T\n\n| a | b |\n| --- | --- |\n| 1 | 2 |")

    def test_text_is_in_columns(self):
        self.assertEqual(tables.text("T", [["a", "b"], ["123", "4"]]),
                         "T\n\na    b\n---  -\n123  4")


if __name__ == "__main__":
    unittest.main()
