"""Export the model of a study, load it without the study, and predict from raw rows."""

from pathlib import Path

import tuner

if __name__ == "__main__":
    study = tuner.run("iris", trials=3, epochs=3, executor="inline", confirm=False, name="flowers")
    folder = Path("flowers-model")
    study.export(folder, force=True)
    print(sorted(path.name for path in folder.iterdir()))

    model = tuner.load_model(folder)  # tensors and JSON: loading imports and runs nothing
    rows = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
    print(model.predict(rows), model.classes_)
    print(model.predict_proba(rows).round(2))
