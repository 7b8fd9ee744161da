import type { ErrorEntry } from './entry.ts';

/** What goes wrong with a customer's databases and files. */
export const SOURCE_CODES = {
  'source-unreachable': [
    'Nothing answered at the address of the source.',
    'Check host and port, that it runs, and that its firewall lets this installation’s fixed address in.',
  ],
  'host-key-unconfirmed': [
    'The server of the SSH tunnel has shown a host key that nobody has confirmed. Nothing was sent to it.',
    'Compare the key with what ssh-keygen -lf says on that server, and give it to the source.',
  ],
  'host-key-changed': [
    'The server of the SSH tunnel shows another host key than the confirmed one. Nothing was sent to it.',
    'Find out why: where the server was set up anew, confirm the new key.',
  ],
  'ssh-sign-in-failed': [
    'The server of the SSH tunnel does not let the user in.',
    'Check user and key or password, and that the key is among the authorized ones there.',
  ],
  'ssh-key-invalid': [
    'The private key for the SSH tunnel cannot be read.',
    'Give the whole key in PEM or OpenSSH form, with its passphrase where it has one.',
  ],
  'tunnel-forbidden': [
    'The server of the SSH tunnel does not pass connections to the database on for this user.',
    'Allow it there: AllowTcpForwarding, PermitOpen, or permitopen of the key.',
  ],
  'routed-past-tunnel': [
    'The SQL Server sent the session on to another one, where no tunnel leads.',
    'Name that server as the host of the source, or turn read-only intent off.',
  ],
  'cloud-sql-refused': [
    'The Cloud SQL Admin API does not let the account connect to the instance.',
    'Give the account the role Cloud SQL Client in the instance’s project, and enable the API in the account’s own.',
  ],
  'cloud-sql-not-found': [
    'There is no Cloud SQL instance of that connection name.',
    'Copy the connection name from the instance’s page in the console: project:region:instance.',
  ],
  'cloud-sql-forbidden': [
    'The Cloud SQL instance is not labelled for this tenant, for whom the installation’s own account would connect to it.',
    'Set the label tradewind-tenant=<tenant id> on it, or give the source the key of a service account.',
  ],
  'cloud-sql-no-address': [
    'The Cloud SQL instance has no address of the chosen kind.',
    'Give the instance one, or choose another of its addresses.',
  ],
  'cloud-sql-engine': [
    'The Cloud SQL instance is of another kind of database than the source.',
    'Add it as a source of its own kind.',
  ],
  'source-silent': [
    'The source stopped answering in the middle.',
    'It is tried again; look for locks and load, and for a firewall that drops idle connections.',
  ],
  'source-protocol': [
    'The source answered in a form that is not its protocol’s.',
    'Check that the port is the database’s own, and nothing stands between that changes what it says.',
  ],
  'source-error': [
    'The server said something that has no code of its own here.',
    'Look the message up in the server’s log.',
  ],
  'source-kind': ['The settings are of another kind of source.', 'Make a new source of that kind.'],
  'kind-fixed': ['The kind of a source never changes.', 'Add another source.'],
  'connection-lost': [
    'The connection to the source broke off.',
    'It is tried again; look at the server’s log for the reason.',
  ],
  'source-busy': [
    'Somebody else holds a lock on the table, or on its definition, and did not let go in time.',
    'It is tried again; look for changes of tables, or long transactions, that are not committed.',
  ],
  'too-many-connections': [
    'The server takes no more connections.',
    'Raise its limit, or load when fewer others are connected.',
  ],
  'statement-timeout': [
    'A statement took longer than the source lets it, or the server lets this user.',
    'Raise the source’s limit (statementMinutes) or the server’s, or load when it is less busy.',
  ],
  'sign-in-refused': [
    'The server refused user or password.',
    'Check both, and from where this user may sign in.',
  ],
  'sign-in-method': [
    'The server wants a way of signing in that is not spoken here.',
    'Give the user another authentication plugin.',
  ],
  'permission-denied': ['The user may not read this.', 'Grant it SELECT on what is to be loaded.'],
  'database-unknown': [
    'The server has no database of that name.',
    'Check the spelling; names can be case-sensitive.',
  ],
  'table-not-found': [
    'The source has no such table, or the user may not see it.',
    'Discover the tables again.',
  ],
  'table-not-readable': [
    'The table cannot be read as it is.',
    'Do what the message says, or leave the table out.',
  ],
  'column-not-found': ['The source has no such column any more.', 'Discover the tables again.'],
  'column-changed': [
    'A column is not what it was when the load was planned.',
    'Run it again: it is planned anew.',
  ],
  'columns-differ': [
    'Files of one table have different columns.',
    'Give each kind of file a source of its own.',
  ],
  'host-refused': [
    'The host is private, a metadata service, or no plain name.',
    'Give a public host, or ask the operator to allow it.',
  ],
  'host-unknown': ['No such host is known to public DNS.', 'Check the spelling.'],
  'host-blocked': [
    'The server has blocked this installation after failed connections.',
    'Run FLUSH HOSTS there, or raise max_connect_errors.',
  ],
  'resolver-failed': ['The host’s name could not be looked up just now.', 'Try again in a minute.'],
  'allowed-hosts-invalid': [
    'The operator’s list of allowed hosts cannot be read.',
    'Correct TRADEWIND_ALLOWED_HOSTS.',
  ],
  'tls-not-offered': [
    'The server does not offer encryption.',
    'Turn TLS on there, or choose to connect without it.',
  ],
  'tls-required': ['The server takes encrypted connections only.', 'Choose to connect with TLS.'],
  'tls-unverified': [
    'The server’s certificate cannot be verified.',
    'Give its authority’s certificate, or have it renewed.',
  ],
  'tls-untrusted': [
    'A web server cannot prove who it is.',
    'Its certificate must be valid for the host and signed by a public authority.',
  ],
  'tls-tampered': [
    'What came after the encryption was agreed on was not encrypted.',
    'Look for something between that breaks it up.',
  ],
  'server-too-old': [
    'The server’s version is older than what is read here.',
    'Update it, or load from a copy that is newer.',
  ],
  'routed-too-often': ['The server sent to another, which sent on again.', 'Connect to the replica itself.'],
  'snapshot-gone': [
    'The moment at which the tables were read is no longer to be had.',
    'Run it again; keep undo or versions for longer if it goes on.',
  ],
  'snapshot-lost': [
    'The server closed the snapshot of a load again and again, so a table could not be read to its end.',
    'Let the server keep a transaction open for as long as the tables take (idle and statement time limits, poolers), or load fewer tables.',
  ],
  'snapshot-missing': ['A part was to be read without the snapshot that belongs to it.', 'Run it again.'],
  'snapshot-invalid': ['The snapshot’s name or file is not valid.', 'Run it again.'],
  'snapshot-open': [
    'A session that reads the snapshot of another was to open one of its own.',
    'Run it again; if it happens again, send the run’s id to support.',
  ],
  'snapshot-not-allowed': [
    'The database does not allow snapshot isolation.',
    'Its owner allows it once with ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON.',
  ],
  'snapshot-not-shared': [
    'This kind of server cannot share one snapshot between connections.',
    'One task reads all tables; nothing is to be done.',
  ],
  'cursor-unknown': ['The table has no such cursor column.', 'Choose another, or load by replace.'],
  'cursor-type': [
    'New rows cannot be told by a column of this type.',
    'Choose a number that grows or a moment of the server’s clock.',
  ],
  'cursor-null': [
    'The cursor column is null in some rows, which would never be read.',
    'Fill it, or choose another.',
  ],
  'cursor-value': ['The cursor’s last value cannot be read.', 'Load the table anew by replace.'],
  'cursor-on-copy': [
    'A rowversion cannot be followed on a copy that is only read.',
    'Connect to the primary, or choose another cursor.',
  ],
  'cursor-not-possible': ['The table cannot be told new rows by this column.', 'Choose another cursor.'],
  'row-too-big': ['A row is larger than can be read at once.', 'Leave its large columns out.'],
  'object-not-found': ['There is no such file.', 'Check the address.'],
  'object-missing': ['A file that should be there is gone.', 'Upload it again.'],
  'object-changed': ['The file changed while it was read.', 'Run it again.'],
  'object-read': ['The file could not be read to its end.', 'It is tried again; check the storage.'],
  'object-forbidden': [
    'The file is nobody’s upload here, or its bucket is not labelled for this tenant.',
    'Upload it, or label your bucket as the message says.',
  ],
  'uri-invalid': ['The address of a file cannot be read.', 'Write gs://bucket/object or https://host/path.'],
  'redirect-refused': [
    'A web server sends to where it must not, or too often.',
    'Give the address where the file is.',
  ],
  'ranges-unsupported': [
    'The web server sends files as a whole only.',
    'Upload the file, or have the server answer Range requests.',
  ],
  'length-unknown': [
    'The web server does not say how long the file is.',
    'Upload it, or have the server send a Content-Length.',
  ],
  'generation-unknown': [
    'The web server does not say when the file changes.',
    'Have it send an ETag or Last-Modified, or upload the file.',
  ],
  'file-too-long': [
    'The file is larger than what is read from the web.',
    'Put it into Cloud Storage, or split it.',
  ],
  'file-empty': ['The file has no header line.', 'The first line must name the columns.'],
  'file-broken': [
    'The bytes are not what the format says.',
    'Write the file again and check that it is uploaded whole.',
  ],
  'too-many-files': [
    'More than the 10,000 files match that one table takes.',
    'Name fewer by a narrower pattern.',
  ],
  'header-invalid': [
    'The first line of a text file, which must name the columns, cannot be read as names: their text, their number or the line itself is not as it must be.',
    'Check the delimiter and the encoding of the source, or write the header again.',
  ],
  'encoding-broken': ['The text is not in the encoding that was chosen.', 'Choose the right one.'],
  'encoding-unsupported': [
    'The file is UTF-16 text where another encoding was chosen, or none where that was.',
    'Choose the encoding that the file has, or save it as UTF-8.',
  ],
  'gzip-broken': [
    'A gzip file is damaged, or ends before its end.',
    'Compress it again and check that it is uploaded whole.',
  ],
  'gzip-bomb': [
    'A gzip file unpacks to more than 250 times its size, which no table does.',
    'Store the file uncompressed, or in several files.',
  ],
  'zstd-broken': [
    'A zstd file is damaged, or ends before its end.',
    'Compress it again and check that it is uploaded whole.',
  ],
  'zstd-bomb': [
    'A zstd file unpacks to more than 250 times its size, which no table does.',
    'Store the file uncompressed, or in several files.',
  ],
  'parquet-unsupported': [
    'The Parquet file uses what is not read here.',
    'Write it with the codec or encoding that the message names.',
  ],
  'page-too-big': ['A page of the Parquet file is larger than 128 MiB.', 'Write it with smaller pages.'],
  'no-tables': [
    'The source has no tables that the user may read.',
    'Grant it USAGE on the schema and SELECT on the tables.',
  ],
  'no-columns': ['No column of the table is left to load.', 'Leave fewer columns out.'],
  'too-many-tables': [
    'The source shows more than 500 tables.',
    'Use a user that sees only those that orders, customers and products need.',
  ],
  'discovery-slow': [
    'The source did not describe its tables in time.',
    'Try again when it is less busy, or give the user fewer schemas to see.',
  ],
  'test-timeout': ['The connection test took too long.', 'Look at the step at which it stopped.'],
  'test-lost': ['The connection test’s process ended without a word.', 'Test again.'],
  'key-invalid': [
    'What was given is no key of a Google service account.',
    'Give the text of the JSON file as Google made it.',
  ],
  'credentials-kind': [
    'The source signs in with something else than was given.',
    'Give what the message names: a password, or a service account’s key.',
  ],
  'location-other': [
    'A data set of BigQuery is not where the source says that it is.',
    'Correct the location of the source, or leave it out.',
  ],
  'not-found-in-bigquery': [
    'BigQuery does not find a data set or table.',
    'Check the names, and that the account may see them.',
  ],
  'billing-disabled': [
    'The project of a service account cannot run queries.',
    'Enable billing in that project.',
  ],
  'query-refused': [
    'BigQuery cannot read a table or view.',
    'Leave out the column that the message names; a view may be broken by itself.',
  ],
  'answer-too-large': [
    'BigQuery keeps no answer as large as the table.',
    'Load fewer columns or rows, or label the data set and add it without a key, so that it is copied.',
  ],
  'location-differs': [
    'A data set of BigQuery is elsewhere than the warehouse, and is read without a key.',
    'Set the key of a service account that may read it, or copy it there.',
  ],
  'table-needs-key': [
    'A view or sharded table of BigQuery is read with a key only.',
    'Set the key of a service account that may read it, or save it as a table.',
  ],
  'cursor-needs-key': [
    'New rows cannot be told by this column without a key.',
    'Choose a column of moments, or set the key of a service account.',
  ],
  'dataset-forbidden': [
    'A data set of BigQuery is not labelled for this tenant, or is Tradewind’s own.',
    'Label it and give the rights that the message names, or set a key.',
  ],
  'filter-not-possible': [
    'A column cannot be compared like that.',
    'Choose another column, comparison or value.',
  ],
} as const satisfies Record<string, ErrorEntry>;
