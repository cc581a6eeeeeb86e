"""No password is written down."""

from nexusctl.policy.check import About, Answer, Policy, Resource
from nexusctl.policy.literals import literals_of_resource
from nexusctl.policy.verdict import Severity


class NoHardcodedPassword(Policy):
    """Nothing that authenticates is a literal. Applies to the whole of what is judged.

    The part outside resources (environment values, variables, outputs, module calls, the files
    themselves, the state) is judged by nexusctl, under the same policy.
    """

    about = About(
        id="NEXUS_NO_HARDCODED_PASSWORD",
        title="No password is written down",
        severity=Severity.CRITICAL,
        why="Whoever reads the repository, the plan or the state has a password that is in them.",
        fact="Terraform keeps arguments in plan and state in clear, also those that it does not "
        "print; write-only arguments and ephemeral values it keeps in neither (Terraform, Manage "
        "sensitive data).",
        fix="remove the value, and replace that password wherever it was used; RDS and Secrets "
        "Manager make and keep the passwords of the database",
        resources=("*",),
        waivable=False,
    )

    def judge(self, resource: Resource) -> Answer:
        """No sensitive argument is a literal, and no other text has a password in it."""
        found = literals_of_resource(resource.type, resource.values)
        if found:
            path = found[0].nearest(resource.instance.lines)
            return Answer.failed("; ".join(str(literal) for literal in found), *path)
        return Answer.passed("no literal password")


no_hardcoded_password = NoHardcodedPassword()
