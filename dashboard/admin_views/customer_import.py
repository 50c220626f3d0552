"""Upload of customers."""

from __future__ import annotations

from dashboard.admin_views.row_import_pages import RowImportPages
from dashboard.operations.customer_import import IMPORT


class CustomerImport(RowImportPages):
    """Mixed into CustomerView."""

    importing = IMPORT
    import_name = "customers"
    import_needed = "Name and currency are needed, the rest is up to you."
    import_known_by = "Known by the same name, or the same External Accounting ID."
