"""Pictures of README and docs, from a finished mini recipe: the report, the confusion matrix, seconds of each stage.

usage: tools/make_pictures.py RECIPE-FOLDER     egs/mini_iemocap, after ./run.sh; needs a Chromium
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
IMAGES = ROOT / "docs" / "images"
DONE = re.compile(r"stage (\d) (\w+): done in (\d+) s")


def stage_seconds(logs: Path) -> dict[str, int]:
    """Seconds of each stage, by its name: of the first run, which did all the work."""
    seconds: dict[str, int] = {}
    for log in sorted(logs.glob("stage*.log")):
        for number, name, duration in DONE.findall(log.read_text(encoding="utf-8")):
            seconds.setdefault(f"{number} {name}", int(duration))
    return seconds


def draw_stages(seconds: dict[str, int], path: Path) -> None:
    """A bar per stage, one after the other in time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 2.4), layout="constrained")
    axes = figure.add_subplot()
    start = 0
    for row, duration in enumerate(seconds.values()):
        axes.barh(row, max(duration, 0.5), left=start, color="#3b6fb6")
        axes.text(start + duration + 1, row, f"{duration} s", va="center", fontsize=9)
        start += duration
    axes.set_yticks(range(len(seconds)), list(seconds), fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("seconds since the start of run.sh")
    axes.set_xlim(0, start * 1.08)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main(recipe: Path) -> None:
    """Write docs/images/{report,confusion,stages}.png."""
    from tests.e2e.browser import browser, find_chromium

    (experiment,) = (recipe / "exp").glob("mscnn_spu_att_gt_loso5")
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("make_pictures.py: no Chromium here; set CHROMIUM to one")
    IMAGES.mkdir(exist_ok=True)
    with browser(chromium) as page:
        page.open(experiment / "report.html", width=1000, height=1150)
        page.screenshot(IMAGES / "report.png")
    shutil.copy(experiment / "figures" / "confusion_test.png", IMAGES / "confusion.png")
    draw_stages(stage_seconds(recipe / "exp" / "log"), IMAGES / "stages.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
