"""`manage.py simulate_day`: show how work would be assigned on a busy day, without touching the desk."""

from statistics import mean, quantiles
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from routing.assignment.simulation import SimulationReport, SimulationSettings, run_simulation
from routing.models import AssignmentMethod, SkillMatching


class Command(BaseCommand):
    """Print waiting times by queue, utilization, the skill match rate and the unassigned work of the day."""

    help = "Simulate a day with the real engine. Nothing is stored; the same seed gives the same day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--agents", type=int, default=200)
        parser.add_argument("--queues", type=int, default=20)
        parser.add_argument("--conversations", type=int, default=10_000)
        parser.add_argument("--method", choices=AssignmentMethod.values, default=AssignmentMethod.HIGHEST_CAPACITY)
        parser.add_argument("--matching", choices=SkillMatching.values, default=SkillMatching.CLOSEST)
        parser.add_argument("--handle-minutes", type=float, default=15.0, help="Mean conversation length.")
        parser.add_argument(
            "--identical-agents",
            dest="has_identical_agents",
            action="store_true",
            help="Use identical agents to show how evenly work is shared.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("seed", "agents", "queues", "conversations", "handle_minutes", "has_identical_agents")
        settings = SimulationSettings(
            **{name: options[name] for name in names},
            method=AssignmentMethod(options["method"]),
            matching=SkillMatching(options["matching"]),
        )
        self._print_report(settings, run_simulation(settings))

    def _print_report(self, settings: SimulationSettings, report: SimulationReport) -> None:
        write = self.stdout.write
        write(
            f"{settings.agents} agents, {settings.queues} queues, {settings.conversations} conversations, "
            f"seed {settings.seed}"
        )
        write(
            f"\n{'queue':>6} {'given':>6} {'left':>5} {'wait, mean':>11} {'median':>8} {'p95':>8} {'longest':>8}  (s)"
        )
        for queue in report.unassigned_by_queue:
            write(_format_row(str(queue), report.waits_by_queue[queue], report.unassigned_by_queue[queue]))
        all_waits = [wait for waits in report.waits_by_queue.values() for wait in waits]
        write(_format_row("all", all_waits, sum(report.unassigned_by_queue.values())))
        write(f"\nutilization       {report.utilization:6.1%}")
        write(f"skill match rate  {report.skill_match_rate:6.1%} of {report.skilled_count} that need skills")
        write(f"offers missed     {report.missed_count:6}")
        write(f"work items left   {sum(report.unassigned_by_queue.values()):6}")
        per_agent = report.assigned_per_agent
        write(
            f"per agent         {min(per_agent)} to {max(per_agent)}, mean {mean(per_agent):.1f}"
            f"; the busiest has {report.max_to_mean_ratio:.2f} times the mean"
        )


def _format_row(name: str, waits: list[float], unassigned_count: int) -> str:
    counts = f"{name:>6} {len(waits):6} {unassigned_count:5}"
    if len(waits) < 2:
        return counts
    cuts = quantiles(waits, n=20)  # 19 cut points, 5 % apart
    return f"{counts} {mean(waits):11.0f} {cuts[9]:8.0f} {cuts[18]:8.0f} {max(waits):8.0f}"
