"""What changes of this stack's resources do to live connections and data: the table of rules.

To add one, write an entry into the file of its resource. An attribute of an update is told by the
first rule that fits, and so is a resource that is made, destroyed or replaced. `docs/impact.md` is
made from this table by `python -m nexusctl.change.reference`.

Facts are AWS's own documents'; `sources` has their addresses. What holds for any resource is asked
before these and after them (`any_resource`). Changes outside Terraform have more (`outside`).
"""

from nexusctl.change.rule import Rule
from nexusctl.change.rules.alarms_and_logs import ALARMS_AND_LOGS
from nexusctl.change.rules.database import DATABASE
from nexusctl.change.rules.network import NETWORK
from nexusctl.change.rules.permissions import PERMISSIONS
from nexusctl.change.rules.proxy import PROXY
from nexusctl.change.rules.secrets_and_keys import SECRETS_AND_KEYS
from nexusctl.change.rules.workers import WORKERS

RULES: tuple[Rule, ...] = (
    *DATABASE,
    *PROXY,
    *SECRETS_AND_KEYS,
    *WORKERS,
    *NETWORK,
    *PERMISSIONS,
    *ALARMS_AND_LOGS,
)
