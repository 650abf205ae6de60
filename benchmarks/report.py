"""What a report of 500 trials costs: seconds of the whole command, megabytes, and what a browser says of the page.

The study's objective computes nothing; its trials are stopped by ASHA and run in this process. The page is opened in a
headless Chromium that is offline.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

import tuner

EPOCHS = 27


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        storage, page = f"{folder}/studies.db", Path(folder) / "report.html"
        tuner.run(spec(given.trials), storage=storage)
        command = [sys.executable, "-m", "tuner.cli", "report", "big", "--storage", storage, "-o", str(page)]
        taken = [seconds(command) for _ in range(given.runs)]
        print(f"tuner report, {given.trials} trials   {statistics.median(taken):.2f} s, median of {given.runs}")
        print(f"the page                  {page.stat().st_size / 1e6:.2f} MB")
        complaints, drawn = opened(page)
        print(f"opened with no network    {drawn:.2f} s until drawn, {len(complaints)} complaints on the console")
        for complaint in complaints:
            print(f"  {complaint}")


def spec(trials: int) -> tuner.StudySpec:
    return tuner.StudySpec(
        name="big",
        objective="nothing:learn",
        search_space="image_classifier",
        metric="accuracy",
        budget=tuner.Budget(trials=trials, epochs=EPOCHS),
        sampler="random",
        executor="inline",
    )


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def opened(page: Path) -> tuple[list[str], float]:
    """What the browser complains about, and how long it takes until every figure is drawn."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        tab = browser.new_page()
        tab.context.set_offline(True)
        tab.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        began = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-drawn=yes]", timeout=60_000)
        drawn = time.perf_counter() - began
        browser.close()
    return complaints, drawn


if __name__ == "__main__":
    main()
