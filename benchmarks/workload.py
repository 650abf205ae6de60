"""What all systems of the overhead benchmark train: one MLP on digits, as a person would write it for any of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from tuner import Trial


def data() -> tuple[torch.Tensor, ...]:
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        (images / 16.0).astype("float32"), labels, test_size=0.2, random_state=0, stratify=labels
    )
    return torch.tensor(train_x), torch.tensor(train_y), torch.tensor(test_x), torch.tensor(test_y)


# At module level, as every program has it that does not read its data again for each model.
DATA = data()


def accuracies(config: Mapping[str, Any], seed: int = 0) -> Iterator[float]:
    """Train for ever, and yield the validation accuracy after each epoch."""
    torch.manual_seed(seed)
    train_x, train_y, test_x, test_y = DATA
    layers: list[nn.Module] = []
    inputs = train_x.shape[1]
    for _ in range(config["depth"]):
        layers += [nn.Linear(inputs, config["width"]), nn.ReLU(), nn.Dropout(config["dropout"])]
        inputs = config["width"]
    model = nn.Sequential(*layers, nn.Linear(inputs, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], weight_decay=config["weight_decay"])
    while True:
        model.train()
        for batch in torch.split(torch.randperm(len(train_x)), config["batch_size"]):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(train_x[batch]), train_y[batch])
            torch.autograd.backward(loss)
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            yield float((model(test_x).argmax(1) == test_y).float().mean())


def train(trial: Trial) -> Iterator[dict[str, float]]:
    """The objective for us."""
    for _, accuracy in zip(range(trial.max_epochs), accuracies(trial.config, trial.seed), strict=False):
        yield {"accuracy": accuracy}
