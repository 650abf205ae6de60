"""What every search space promises that is named in study files."""

import json
from typing import ClassVar

from tuner.domain.search_space import SearchSpace
from tuner.testing.spaces import assert_valid


class SearchSpaceConformance:
    """Tests of a `tuner.SearchSpace`."""

    space: ClassVar[SearchSpace]
    """The space to test."""

    def test_it_has_configurations_and_its_default_is_one(self) -> None:
        assert isinstance(self.space, SearchSpace)
        self.space.check_possible()
        assert_valid(self.space, self.space.default)

    def test_configurations_all_over_it_are_stored_and_read_back_as_they_are(self) -> None:
        for config in self.space.spread(32):
            assert self.space.unflatten(json.loads(json.dumps(self.space.flatten(config)))) == config

    def test_what_is_stored_of_it_describes_the_same_space(self) -> None:
        stored = SearchSpace.from_description(json.loads(json.dumps(self.space.describe())))
        assert list(stored.parameters) == list(self.space.parameters)
        assert stored.default == self.space.default
