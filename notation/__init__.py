"""How people write values in YAML: types for every package's ``models.py``, which do not import each other."""

from notation.matchers import MatchConfig as MatchConfig
from notation.matchers import MatcherText as MatcherText
from notation.rules import Mode as Mode
from notation.rules import RuleConfig as RuleConfig
from notation.values import Duration as Duration
from notation.values import Label as Label
from notation.values import Labels as Labels
from notation.values import Size as Size
from notation.values import lasting as lasting
