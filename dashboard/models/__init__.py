"""Every table of the product."""

from dashboard.models.audit import AuditEntry
from dashboard.models.base import Base
from dashboard.models.customer import Contact, Customer, CustomerPackage
from dashboard.models.document import Document, DocumentPart
from dashboard.models.idempotency import FormKey
from dashboard.models.invoice import Invoice, InvoiceItem, NumberSeries
from dashboard.models.job import Heartbeat, Job
from dashboard.models.package import Package
from dashboard.models.payment import Allocation, Payment, Refund
from dashboard.models.setting import Setting
from dashboard.models.staff import Staff, StaffRole

__all__ = [
    "Allocation",
    "AuditEntry",
    "Base",
    "Contact",
    "Customer",
    "CustomerPackage",
    "Document",
    "DocumentPart",
    "FormKey",
    "Heartbeat",
    "Invoice",
    "InvoiceItem",
    "Job",
    "NumberSeries",
    "Package",
    "Payment",
    "Refund",
    "Setting",
    "Staff",
    "StaffRole",
]
