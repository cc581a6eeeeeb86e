"""What lets through what: security groups and subnets."""

from nexusctl.change.rule import Context, Effect, Level, Rule
from nexusctl.change.rules import sources
from nexusctl.change.rules.conditions import ANYWHERE, GONE, NEW, becomes, stands
from nexusctl.terraform.plan import Action, AttributeChange


def _open_to_all(context: Context, _attribute: AttributeChange) -> bool:
    return bool(ANYWHERE & {context.after.get("cidr_ipv4"), context.after.get("cidr_ipv6")})


_RULE_TYPES = "aws_vpc_security_group_*gress_rule"


NETWORK: tuple[Rule, ...] = (
    Rule(
        id="access-anybody",
        resource="aws_vpc_security_group_ingress_rule",
        actions=frozenset({Action.CREATE, Action.REPLACE}),
        when=_open_to_all,
        condition="from 0.0.0.0/0 or ::/0",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="any address may connect",
        fact="Rules take effect at once.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-anybody-now",
        resource="aws_vpc_security_group_ingress_rule",
        attributes=("cidr_ipv?",),
        when=_open_to_all,
        condition="from 0.0.0.0/0 or ::/0",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="any address may connect",
        fact="Rules take effect at once.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-opened",
        resource=_RULE_TYPES,
        actions=NEW,
        when=stands,
        condition="the stack is there already",
        level=Level.LOW,
        effect=Effect.ACCESS_OPENED,
        says="a security group lets more through",
        fact="Rules take effect at once.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-all-protocols",
        resource=_RULE_TYPES,
        attributes=("ip_protocol",),
        when=becomes("-1"),
        condition="it becomes -1",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="all ports and protocols are let through",
        fact="-1 stands for all protocols; ports are ignored then.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-closed",
        resource=_RULE_TYPES,
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="new connections through it are refused{why}",
        fact="Connections that are tracked go on until they end or time out.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-changed",
        resource=_RULE_TYPES,
        attributes=("cidr_*", "from_port", "to_port", "ip_protocol", "prefix*", "referenced*"),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others are let in than before",
        fact="Rules take effect at once; connections that are tracked go on until they end.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="subnet-public",
        resource="aws_subnet",
        attributes=("map_public_ip_on_launch",),
        when=becomes(True),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="what is launched in the subnet gets a public address",
        fact="The subnet decides where the launch does not; what runs keeps what it has.",
        source=sources.SUBNET,
    ),
)
