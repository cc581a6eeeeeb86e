"""What moto 5.2.5 lacks of the AWS APIs the stack uses, added to moto's own backends.

Each function names the API it completes. All of it goes away with a moto that has it.
"""

from nexusctl.sandbox.extensions import autoscaling, client_tokens, ec2, rds, secretsmanager


def install() -> None:
    """Add everything."""
    for service in (autoscaling, client_tokens, ec2, rds, secretsmanager):
        service.install()
