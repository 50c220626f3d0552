"""The first page after signing in: a billing manager's morning. Each figure opens the list behind it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import home_links
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.admin_views.invoice_page import status_of
from dashboard.queries import home, mail_list, package_notices, pulse, receivables, settings
from dashboard.queries.home import Count
from dashboard.queries.receivables import Books

# What is needed to do a first step.
STEP_RIGHTS = {"setting": "setting.write", "customer": "customer.write", "package": "package.write"}


@dataclass(frozen=True)
class Waiting:
    """Something that waits for somebody: how many, and where they are."""

    label: str
    count: Count
    href: str
    icon: str
    tone: str = "warn"


class HomeView(GuardedView):
    icon = "dashboard"
    menu_right = "dashboard.read"

    def __init__(self) -> None:
        super().__init__(name="Dashboard", endpoint="admin", url="/admin")

    @expose("/")
    @needs("dashboard.read")
    def index(self) -> ResponseReturnValue:
        today = settings.today()
        sees_invoices, sees_payments = self.may("invoice.read"), self.may("payment.read")
        books = in_order(receivables.books(today)) if sees_invoices or sees_payments else []
        chosen = chosen_of(books)
        steps = home.first_steps()
        return self.render(  # type: ignore[no-any-return]
            "admin/index.html",
            today=today,
            links=home_links,
            books=books,
            chosen=chosen,
            sees_invoices=sees_invoices,
            sees_payments=sees_payments,
            warnings=pulse.warnings(),
            waiting=self._waiting(books),
            debtors=receivables.debtors(chosen.currency) if chosen and sees_invoices else [],
            overdue=receivables.longest_overdue(today) if sees_invoices else [],
            invoices=home.latest_invoices() if sees_invoices else [],
            payments=home.latest_payments() if sees_payments else [],
            next_invoiced=home.next_invoiced() if self.may("schedule.read") else [],
            next_produced=home.next_produced() if self.may("schedule.read") else [],
            steps=[(step, self.way_to(step.endpoint)) for step in steps],
            is_new=any(step.endpoint == "customer" and not step.done for step in steps),
            status_of=status_of,
            crumbs=[{"label": "Dashboard", "href": ""}],
        )

    @expose("/holes")
    @needs("report.read")
    def holes_view(self) -> ResponseReturnValue:
        """Periods that are not invoiced: worked out after the page is there."""
        return self.render("admin/home/_holes.html", holes=home.coverage_holes())  # type: ignore[no-any-return]

    @expose("/coming")
    @needs("package.read")
    def coming_view(self) -> ResponseReturnValue:
        """Package charges that come next: worked out after the page is there."""
        coming = package_notices.upcoming(limit=6)
        return self.render(  # type: ignore[no-any-return]
            "admin/home/_coming.html",
            coming=coming,
            coming_count=package_notices.count_upcoming() if coming else 0,
            coming_days=settings.current().package_notification_days,
        )

    def _waiting(self, books: list[Books]) -> list[Waiting]:
        """What the reader may see of what waits, whether or not there is any."""
        found: list[Waiting] = []
        if self.may("invoice.read"):
            drafts = Count(sum(one.draft.count for one in books))
            href = url_for("invoice.index_view", tab="draft")
            found.append(Waiting("Drafts to issue", drafts, href, "draft", "info"))
        if self.may("payment.read"):
            for label, tab in (("Payments pending", "pending"), ("Payments unallocated", "unallocated")):
                count = Count(sum(getattr(one, tab).count for one in books))
                found.append(Waiting(label, count, url_for("payment.index_view", tab=tab), "payment", "info"))
        if self.may("schedule.read"):
            href = url_for("schedule_run.index_view", tab="failed")
            found.append(Waiting("Failed runs", home.failed_runs(), href, "error", "bad"))
        if self.may("mail.read") and home_links.has("mail.index_view"):
            notices = mail_list.notices()
            for tab, number in (("failed", notices.parked), ("unsure", notices.unsure)):
                found.append(Waiting(f"E-mails {tab}", Count(number), home_links.mails(tab), "mail", "bad"))
            if notices.texts and self.may("template.write"):
                href = url_for("mail_template.index_view")
                found.append(Waiting("E-mail texts that fail", Count(notices.texts), href, "mail", "bad"))
        if self.may("usage.read"):
            href = url_for("usage_unmatched.index_view")
            found.append(Waiting("Unmatched calls", home.unmatched_calls(), href, "help"))
            href = url_for("usage.index_view", **{"rating.is": "unrated"})
            found.append(Waiting("Unrated calls", home.unrated_calls(), href, "usage"))
        return found

    def way_to(self, endpoint: str) -> str:
        """The page where a step is done, or "" where the reader may not."""
        if not self.may(STEP_RIGHTS.get(endpoint, "invoice.draft")):
            return ""
        page = f"{endpoint}.create_view"
        return url_for(page if home_links.has(page) else f"{endpoint}.index_view")


def in_order(books: list[Books]) -> list[Books]:
    """The account's currency first, then the busiest."""
    own = settings.current().currency
    return sorted(books, key=lambda one: (one.currency == own, _invoices_of(one)), reverse=True)


def chosen_of(books: list[Books]) -> Books | None:
    """The currency that charts and debtors show: the one asked for, or the first."""
    wanted = request.args.get("currency", "")
    return next((one for one in books if one.currency == wanted), books[0] if books else None)


def _invoices_of(books: Books) -> tuple[int, int]:
    return sum(month.invoiced.count for month in books.months), books.owed.count
