"""Transfer: a search at a small size, a ladder of sizes that shows how the best value drifts, one large training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, final

from tuner.domain.key import Key
from tuner.domain.number import Float
from tuner.domain.search_space import SearchSpace

OnDrift = Literal["extrapolate", "refuse", "ignore"]

_LEAST_PROXIES = 2


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Sizes that stand for a larger one: without `proxies` a study trains at the size that its settings say.

    The search runs at the first of them. At each of them the best configuration is then trained at several `rates`, a
    factor of 2 apart, and the best one is fitted against the size; the settings have the target's.
    """

    proxies: Annotated[
        Sequence[int], Key(words="sizes, the smallest first: the search runs at it", example=(32, 64, 128))
    ] = ()
    setting: Annotated[str, Key(words="the setting that is the size, of which the target has its own value")] = "width"
    parameter: Annotated[str, Key(words="what drifts with the size, by its path in a configuration")] = "optimizer.lr"
    rates: Annotated[int, Key(words="how many values of it are tried at each size", least=3)] = 5
    seeds: Annotated[int, Key(words="how often each of them", least=1)] = 2
    on_drift: Annotated[
        OnDrift, Key(words='"extrapolate" it; "refuse" to train the target where there is one; or "ignore" it')
    ] = "extrapolate"
    target_epochs: Annotated[
        int | None, Key(words="of the target; by default as many as a proxy has", least=1, example=270)
    ] = None
    target_ranks: Annotated[int | None, Key(words="of the target; by default resources.ranks", least=1, example=4)] = (
        None
    )

    def at_first(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the settings of the search: those of the smallest proxy, where there are any."""
        return {**settings, self.setting: self.proxies[0]} if self.proxies else settings


def transfer_problems(transfer: Transfer, settings: Mapping[str, Any], space: SearchSpace | None) -> Iterator[str]:
    """Yield what is wrong with a transfer between sizes in a study with these settings and this space."""
    sizes, setting = list(transfer.proxies), transfer.setting
    if not sizes:
        return
    target = settings.get(setting)
    if any(size < 1 for size in sizes) or sizes != sorted(set(sizes)):
        yield "transfer.proxies: are to be whole numbers above 0, each larger than the one before"
    elif len(sizes) < _LEAST_PROXIES:
        yield f"transfer.proxies: of {len(sizes)} size no drift can be seen; give {_LEAST_PROXIES} or more"
    elif type(target) is not int:
        yield f"settings.{setting}: is to be the target's, a whole number, since transfer.proxies has smaller ones"
    elif target <= sizes[-1]:
        yield f"transfer.proxies: {sizes[-1]} is not below settings.{setting}, the target's {target}"
    if space is not None and not any(_is_at(path, transfer.parameter, space) for path in space.parameters):
        yield f"transfer.parameter: the search space has no number at {transfer.parameter!r}"


def _is_at(path: str, parameter: str, space: SearchSpace) -> bool:
    """Whether a parameter of the space is a real number at this path in configurations, whichever its branch."""
    wanted, given = parameter.split("."), path.split(".")
    return isinstance(space.parameters[path], Float) and given[0] == wanted[0] and given[-1] == wanted[-1]
