"""The files in `deploy/` agree with one another."""

import re
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_every_unit_has_the_settings_and_the_protection_of_the_others() -> None:
    units = [*DEPLOY.glob("systemd/*.service"), *DEPLOY.glob("omnichannel*.service")]
    assert len(units) == 7
    for unit in units:
        text = unit.read_text()
        for line in ("User=omnichannel", "EnvironmentFile=/etc/omnichannel.env", "NoNewPrivileges=true", "UMask=0077"):
            assert line in text.splitlines(), (unit.name, line)


def test_the_installation_starts_the_ports_that_nginx_knows() -> None:
    site = (DEPLOY / "nginx" / "omnichannel.conf").read_text()
    guide = (DEPLOY.parent / "docs" / "production.md").read_text()
    upstreams = set(re.findall(r"server 127\.0\.0\.1:(\d+)", site))
    commands = guide.partition("systemctl enable --now")[2].partition("```")[0]
    assert set(re.findall(r"omnichannel-(?:web|live)@(\d+)", commands)) == upstreams


def test_a_pooled_connection_gives_up_before_the_application_does() -> None:
    config = (DEPLOY / "pgbouncer.ini").read_text()
    assert "pool_mode = transaction" in config
    settings = (DEPLOY.parent / "omnichannel" / "settings.py").read_text()
    waits = re.findall(r"query_wait_timeout = (\d+)", config) + re.findall(r'"STATEMENT_TIMEOUT": ([\d.]+)', settings)
    assert float(waits[0]) < float(waits[1])
