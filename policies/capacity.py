"""The connection budget: whether an environment holds its own peak."""

import json

from nexusctl.capacity.advice import advice
from nexusctl.capacity.budget import POOL_PERCENT, Budget, budget
from nexusctl.environment.model import Settings
from nexusctl.errors import EnvironmentInvalid
from nexusctl.policy.check import About, Answer, Policy, Resource
from nexusctl.policy.verdict import Severity

# NEXUS_POOL_HEADROOM wants the rest for others.
_LARGEST_POOL_PERCENT = 90


class ConnectionBudget(Policy):
    """The peak that the environment declares fits what its database and proxy have."""

    about = About(
        id="NEXUS_CONNECTION_BUDGET",
        title="The environment holds its own peak",
        severity=Severity.HIGH,
        why="When the workers scale out, transactions wait for a connection until the borrow "
        "timeout turns them into errors: the storm that the proxy was built for.",
        fact="RDS sets max_connections from the memory of the instance class, and the proxy takes "
        "MaxConnectionsPercent of it; AWS advises 30 % more connections than the peak needs (RDS "
        "User Guide, RDS Proxy connection considerations). docs/connections.md has the formulas.",
        fix="change one of the settings that `nexusctl budget ENV` names; it shows every number",
        resources=("environment",),
        settings=(
            "proxy.connection_pool.max_connections_percent",
            "database.instance_class",
            "workload.mean_transaction_ms",
            "workers.max_size",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """The budget holds; without a declared workload as far as connections go."""
        settings = Settings.model_validate_json(json.dumps(resource.values))
        try:
            made = budget(settings)
        except EnvironmentInvalid as error:
            setting = error.message.partition(":")[0]
            return Answer.failed(f"{error.message}; {error.hint}", setting=setting)
        if made.holds:
            return Answer.passed(_held(made))
        return _denied(made, settings)


def _held(made: Budget) -> str:
    shares = f"{made.peak_client_connections} clients share {made.pool_size} connections"
    if not made.has_workload:
        return f"{shares}; no workload is declared, so how long they wait is not judged"
    return f"{shares}, {made.utilisation:.0%} of them busy at the peak"


def _denied(made: Budget, settings: Settings) -> Answer:
    """The failure, with the value that would mend it where one is as good as the present one."""
    first, limits = made.problems[0], advice(settings)
    message = "; ".join(problem.message for problem in made.problems)
    if first.setting != POOL_PERCENT or first.remedy is not None:
        return Answer.failed(message, setting=first.setting, remedy=first.remedy)
    if (limits.smallest_pool_percent or 100) <= _LARGEST_POOL_PERCENT:
        return Answer.failed(message, setting=POOL_PERCENT, remedy=limits.smallest_pool_percent)
    # A larger class costs money, so it is named and not written.
    if limits.smallest_instance_class is not None:
        message += f"; {limits.smallest_instance_class} would hold"
        return Answer.failed(message, setting="database.instance_class")
    if limits.longest_transaction_ms is not None:
        message += f"; transactions of {limits.longest_transaction_ms:g} ms would hold"
    return Answer.failed(message, setting="workload.mean_transaction_ms")


connection_budget = ConnectionBudget()
