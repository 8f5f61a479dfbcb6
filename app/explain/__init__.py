"""What would become of alerts, and why: each decision from identity to ticket. Pure, nothing is kept."""

from app.explain.alerts import Explainer as Explainer
from app.explain.steps import Step as Step
