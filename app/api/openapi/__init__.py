"""``/api/openapi.json``: everything that is served, in OpenAPI 3.1, made of the shapes that the answers have."""

from app.api.openapi.document import OpenApi as OpenApi
from app.api.openapi.document import document as document
from app.api.openapi.tables import OPERATIONS as OPERATIONS
