"""Run a shipped study from Python, look at it, and resume it to more trials."""

import tuner


def main() -> None:
    """Tune a small network on scikit-learn's iris data."""
    study = tuner.run("iris", trials=4, epochs=3, executor="inline", confirm=False)
    print("best:", study.best_trial.value, dict(study.best_trial.config["architecture"]))
    for trial in study.top(3):
        print(trial.number, trial.state.value, trial.value)

    study = tuner.load_study("iris").resume(trials=6)
    print(study.to_dataframe()[["number", "state", "value"]])


if __name__ == "__main__":
    main()
