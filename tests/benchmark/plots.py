"""Plots of cost against size, by gnuplot."""

import os
import re
import subprocess

COLOURS = {"weir": "#1f6fb2", "baseline": "#d1651a", "peer": "#6b6b6b"}


def plot(figures, folder):
    """Draws each workload as SVG and PNG. Returns the paths of the pictures without extension."""
    os.makedirs(folder, exist_ok=True)
    workloads = {}
    for figure in figures:
        workloads.setdefault(figure["workload"], []).append(figure)
    paths = []
    for workload, its in workloads.items():
        path = os.path.join(folder, re.sub(r"\W+", "-", workload).strip("-"))
        for terminal, ending in (("svg size 800,500 background 'white'", "svg"),
                                 ("pngcairo size 800,500", "png")):
            subprocess.run(["gnuplot"], input=script(workload, its, terminal, f"{path}.{ending}"),
                           text=True, check=True)
        paths.append(path)
    return paths


def script(workload, figures, terminal, output):
    title, _, size = workload.rpartition(", by ")
    contenders = {}
    for figure in figures:
        contenders.setdefault(figure["contender"], []).append(figure)
    top = 10 * max(figure["most"] for figure in figures)
    bottom = min(figure["least"] for figure in figures) / 3
    lines = [f"set terminal {terminal}", f"set output '{output}'", f"set title '{title}'",
             f"set xlabel '{size}'", "set ylabel 'ns'", "set logscale xy", "set grid",
             "set key top left", "set format x '10^{%L}'", f"set yrange [{bottom}:{top}]"]
    curves = []
    for number, (contender, points) in enumerate(contenders.items()):
        lines.append(f"$data{number} << END")
        lines += [f"{at['size']} {at['value']} {at['least']} {at['most']}" for at in points]
        lines.append("END")
        colour = f"lc rgb '{COLOURS[points[0]['kind']]}'"
        curves += [f"$data{number} using 1:2:3:4 with yerrorbars {colour} notitle",
                   f"$data{number} using 1:2 with linespoints pt 7 {colour} title '{contender}'"]
    lines.append("plot " + ", ".join(curves))
    return "\n".join(lines) + "\n"
