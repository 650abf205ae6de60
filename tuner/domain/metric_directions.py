"""Which way well-known metrics are better, by their names: where neither the study nor its objective says so."""

import re

from tuner.domain.study import Direction

_LESS = frozenset(
    {
        "loss",
        "losses",
        "logloss",
        "error",
        "errors",
        "err",
        "rmse",
        "mse",
        "mae",
        "mape",
        "smape",
        "msle",
        "rmsle",
        "nrmse",
        "nll",
        "bce",
        "ce",
        "crossentropy",
        "entropy",
        "perplexity",
        "ppl",
        "bpb",
        "bpc",
        "bpd",
        "wer",
        "cer",
        "ter",
        "fid",
        "kid",
        "ece",
        "mce",
        "brier",
        "hinge",
        "deviance",
        "divergence",
        "kl",
        "kld",
        "regret",
        "cost",
        "latency",
        "time",
        "duration",
        "runtime",
        "seconds",
        "secs",
        "sec",
        "ms",
        "milliseconds",
        "minutes",
        "hours",
        "flops",
        "macs",
        "bytes",
    }
)
_MORE = frozenset(
    {
        "accuracy",
        "acc",
        "f1",
        "f2",
        "fbeta",
        "fscore",
        "auc",
        "auroc",
        "auprc",
        "roc",
        "aucpr",
        "prauc",
        "precision",
        "recall",
        "sensitivity",
        "specificity",
        "r2",
        "reward",
        "rewards",
        "return",
        "returns",
        "iou",
        "miou",
        "dice",
        "jaccard",
        "bleu",
        "rouge",
        "meteor",
        "mcc",
        "kappa",
        "ndcg",
        "mrr",
        "map",
        "psnr",
        "ssim",
        "likelihood",
        "throughput",
        "correlation",
        "pearson",
        "spearman",
        "silhouette",
        "sharpe",
        "profit",
    }
)
_SCORE = "score"
_NEGATED = frozenset({"neg", "negative", "minus"})


def usual_direction(metric: str) -> Direction | None:
    """Return which way the metric of this name usually is better; None where the name does not say.

    `neg_` at its beginning turns it round, as scikit-learn's scorers have it; what comes after "per" does not count.

    >>> [usual_direction(each) and usual_direction(each).name for each in ("val_loss", "roc_auc", "neg_log_loss", "m")]
    ['MINIMIZE', 'MAXIMIZE', 'MAXIMIZE', None]
    """
    words = words_of(metric)
    negated = words[0] in _NEGATED if words else False
    if not negated and _NEGATED.intersection(words):
        return None  # of a class that is called so, perhaps
    less, more = _LESS.intersection(words), _MORE.intersection(words)
    if less and more:
        return None
    if not less and not more and _SCORE not in words:
        return None
    return Direction.MINIMIZE if bool(less) != negated else Direction.MAXIMIZE


def words_of(metric: str) -> list[str]:
    """Return the words of a metric's name, in lower case, without what comes after "per"."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", metric).lower()
    words = re.findall(r"[a-z]+[0-9]*|[0-9]+", parted)
    words = words[: words.index("per")] if "per" in words else words
    return [word if word in _MORE else word.rstrip("0123456789") for word in words]
