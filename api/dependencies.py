"""What a handler asks for by its parameter: `database`, `store`, `settings`, `signing`, `account`, `buyer` and others.

The values are made once by the application (the account: once per request) and are handed over unchecked, because
validating a connection pool on every request costs time and can find nothing.
"""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.bell import Bell
from api.examinations import Examinations
from api.passwords import Passwords
from api.settings import Settings
from api.signing import Signatures
from storage.buyers import Buyer
from storage.database import Pool
from storage.objects import Store
from storage.sessions import Account

#: `database: Database`: the pool of PostgreSQL connections.
Database: TypeAlias = NamedDependency[SkipValidation[Pool]]
#: `store: Objects`: the bucket of chunks and recordings.
Objects: TypeAlias = NamedDependency[SkipValidation[Store]]
#: `bell: Ringing`: wakes whoever waits for events.
Ringing: TypeAlias = NamedDependency[SkipValidation[Bell]]
#: `passwords: Hashing`: hashes and checks passwords.
Hashing: TypeAlias = NamedDependency[SkipValidation[Passwords]]
#: `signing: Signing`: the key that signs receipts; `await signing.signer()`.
Signing: TypeAlias = NamedDependency[SkipValidation[Signatures]]
#: `examining: Examining`: runs examinations that somebody waits for.
Examining: TypeAlias = NamedDependency[SkipValidation[Examinations]]
#: `settings: Configuration`: what the operator decided.
Configuration: TypeAlias = NamedDependency[SkipValidation[Settings]]
#: `account: Caller`: who is asking; only on routes that are not public.
Caller: TypeAlias = NamedDependency[SkipValidation[Account]]
#: `keyholder: Buying`: which buyer is asking; only on routes with `opt={"buyer": True}`.
Buying: TypeAlias = NamedDependency[SkipValidation[Buyer]]
