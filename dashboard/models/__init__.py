"""Every table of the product."""

from dashboard.models.audit import AuditEntry
from dashboard.models.base import Base
from dashboard.models.billing import BillingRun, BillingRunRow, FreeMinuteUse, PackageCharge, PackageNotice
from dashboard.models.book_sum import BookSum
from dashboard.models.customer import Contact, Customer, CustomerPackage
from dashboard.models.document import Document, DocumentPart
from dashboard.models.idempotency import FormKey
from dashboard.models.invoice import Invoice, InvoiceItem, NumberSeries
from dashboard.models.job import Heartbeat, Job
from dashboard.models.mail import Mail, MailAttachment, MailAttempt
from dashboard.models.package import Package
from dashboard.models.payment import Allocation, Payment, Refund
from dashboard.models.rate import Provider, Rate, RateCard, RateRevision
from dashboard.models.schedule import Schedule, ScheduleRun
from dashboard.models.setting import Setting
from dashboard.models.staff import Staff, StaffRole
from dashboard.models.template import InvoiceTemplate, InvoiceTemplateVersion, MailTemplate
from dashboard.models.usage import (
    UsageDay,
    UsageDayOpen,
    UsageFault,
    UsageFormat,
    UsageImport,
    UsageRecord,
    UsageRule,
    UsageUnmatched,
)

__all__ = [
    "Allocation",
    "AuditEntry",
    "Base",
    "BillingRun",
    "BillingRunRow",
    "BookSum",
    "Contact",
    "Customer",
    "CustomerPackage",
    "Document",
    "DocumentPart",
    "FormKey",
    "FreeMinuteUse",
    "Heartbeat",
    "Invoice",
    "InvoiceItem",
    "InvoiceTemplate",
    "InvoiceTemplateVersion",
    "Job",
    "Mail",
    "MailAttachment",
    "MailAttempt",
    "MailTemplate",
    "NumberSeries",
    "Package",
    "PackageCharge",
    "PackageNotice",
    "Payment",
    "Provider",
    "Rate",
    "RateCard",
    "RateRevision",
    "Refund",
    "Schedule",
    "ScheduleRun",
    "Setting",
    "Staff",
    "StaffRole",
    "UsageDay",
    "UsageDayOpen",
    "UsageFault",
    "UsageFormat",
    "UsageImport",
    "UsageRecord",
    "UsageRule",
    "UsageUnmatched",
]
