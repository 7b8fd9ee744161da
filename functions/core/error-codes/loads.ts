import type { ErrorEntry } from './entry.ts';

/** Loads, schedules and alerts. */
export const LOAD_CODES = {
  'nothing-to-load': [
    'No table is enabled, or none of those named.',
    'Add a source, discover its tables and enable at least one.',
  ],
  'nothing-to-retry': ['Every table of that run was loaded.', 'Start a new run to load them again.'],
  'run-active': [
    'Another run of the model is not over.',
    'Wait for its end or cancel it; or choose that the new one waits.',
  ],
  'run-waiting': ['A run waits already for the active one to end.', 'Choose times further apart.'],
  'run-over': ['The run has ended.', 'There is nothing to cancel.'],
  'run-held': ['Somebody else is at this run right now.', 'It goes on by itself.'],
  'run-failed': [
    'A run that a schedule started left tables out, or ended without a failure of its own.',
    'Look at the run: each of its tables says what became of it.',
  ],
  'run-cancelled': ['A person ended the run.', 'Start it again if it is still wanted.'],
  'runner-lost': [
    'The container that loaded ended again and again without a word.',
    'Look at the run’s log; give it more memory, or fewer or smaller columns.',
  ],
  'coordinator-gone': ['The task that leads the load is gone.', 'It is begun again by itself.'],
  'container-running': [
    'A container that was told to stop has not ended yet.',
    'It is tried again by itself.',
  ],
  'cap-reached': ['The run reached what it may cost.', 'Raise the cap, or load less.'],
  'claim-lost': ['Another task took this piece of work over.', 'It goes on there.'],
  'units-incomplete': ['A part of the table is missing.', 'Run it again.'],
  'job-not-stopped': ['A warehouse job that was to end is still running.', 'It is tried again by itself.'],
  'load-mismatch': [
    'What arrived in the warehouse is not what was read. Nothing was published.',
    'Run it again; if it happens again, send the run’s id to support.',
  ],
  'publish-mismatch': [
    'The rows in the warehouse would not have been those that were read, so the publication was taken back.',
    'See that nobody else writes to the model’s raw tables, and run it again.',
  ],
  'not-published': [
    'A publication that is done cannot be seen in the warehouse yet.',
    'It is tried again by itself.',
  ],
  'together-failed': [
    'The tables of the load are published together or not at all, and one of them cannot be.',
    'See why that one failed; or let each table be published by itself.',
  ],
  'published-meanwhile': [
    'Another run published the table while this one was reading it. Nothing of this one was published.',
    'Start the load again: it goes on from what is published now.',
  ],
  'too-many-rejects': [
    'More rows did not fit than the table’s limit allows.',
    'Look at the rejected rows; correct them in the source, or raise the limit.',
  ],
  'too-many-deletes': [
    'More rows vanished at once than the table’s limit allows.',
    'Check the source; raise the limit if it is right.',
  ],
  'column-type-changed': [
    'A column became of another type between the planning of the load and its publication.',
    'Load it again: the change is then proposed on the Sources page, to be accepted or not.',
  ],
  'schema-changed': [
    'The table’s columns changed in the source in a way that could lose something, or show what was to be left out or hashed.',
    'Look at it on the Sources page: accept the change, keep the table as it is, or leave the column out.',
  ],
  'schema-kept': [
    'The columns changed in the source, and somebody chose to keep the raw table as it is.',
    'Accept the change on the Sources page, or undo it in the source.',
  ],
  'schema-decided': [
    'What is to become of changed columns was decided after the load had begun.',
    'Start the load again: it follows the decision.',
  ],
  'not-proposed': [
    'What is proposed about the table is something else now.',
    'Look at it again, and decide about what has changed now.',
  ],
  'hashed-not-copied': [
    'A table that is copied as it is has columns that are to arrive as hashes.',
    'Set a key for the source, so that its rows are read one by one, or leave these columns out.',
  ],
  'copy-not-sampled': [
    'The first rows of a table that the warehouse copies by itself cannot be looked at.',
    'Set a key for the source, or load the table with a row limit.',
  ],
  'copy-refused': [
    'BigQuery did not copy the table.',
    'Give the installation’s service account the role that the message names.',
  ],
  'column-in-use': [
    'A data set reads the column that is to be left out.',
    'Take it out of the data set first, or keep loading it.',
  ],
  'destination-taken': [
    'Another table is loaded to the same place.',
    'Discover the tables again, or disable one.',
  ],
  'key-missing': ['Rows are to be merged and nothing tells them apart.', 'Name the columns of a key.'],
  'key-not-possible': [
    'A column of the key has a type that rows cannot be told apart by.',
    'Choose other columns.',
  ],
  'key-not-unique': ['Rows share a key.', 'Add columns to the key, or load by replace.'],
  'key-null': ['A row has no value in its key.', 'Fill it in the source, or choose other columns.'],
  'deletes-not-possible': [
    'Deleted rows cannot be found with these settings.',
    'Merge the table by a key: of what is replaced or added, and of files, nothing tells which rows are gone.',
  ],
  'hash-not-possible': [
    'A column cannot be hashed as was chosen.',
    'Do not hash the cursor or a column whose values choose rows; hash only text without regard to case.',
  ],
  'misfits-not-possible': [
    'Values that do not fit cannot be loaded as was chosen.',
    'Not in a cursor, and not as text where a column is hashed or copied by the warehouse: have them rejected there.',
  ],
  'start-not-possible': [
    'Where reading is to begin cannot be told without a cursor.',
    'Choose a cursor, or choose the rows by a filter.',
  ],
  'place-changed': [
    'The source is at another place than when the table was loaded last. Nothing was read.',
    'Say on the Sources page what is there: the same data, to go on with, or other data, for which the table begins anew.',
  ],
  'not-moved': ['The source is where it was.', 'Nothing is to be done.'],
  'again-not-possible': [
    'A part of the table cannot be read once more: which of the rows that are there make place for it cannot be told.',
    'Read the table anew: “Load anew” on the Sources page, or "again": { "anew": true }.',
  ],
  'again-without-tables': ['Reading once more needs the tables to be named.', 'Name them.'],
  'too-many-together': [
    'BigQuery changes at most 100 tables at one moment, one of which is ours, and takes statements of up to a megabyte.',
    'Load fewer tables at once, or let each be published by itself.',
  ],
  'unknown-column': ['There is no such column.', 'Check its spelling; discover the tables again.'],
  'unknown-source': ['There is no such source in this model.', 'Check the id.'],
  'unknown-table': ['There is no such table in this model.', 'Check the id.'],
  'source-disabled': ['The source is turned off.', 'Turn it on, or leave it out.'],
  'table-disabled': ['The table is turned off.', 'Turn it on, or leave it out.'],
  'preflight-slow': [
    'The source did not answer everything in the time for looking.',
    'Test its connection, or look at fewer tables at a time.',
  ],
  'schedule-invalid': [
    'The times or parts of the schedule do not fit together, or never come.',
    'Correct what the message names.',
  ],
  'schedule-paused': ['The schedule is paused.', 'Resume it.'],
  'schedule-deleted': ['The schedule is deleted.', 'Restore it.'],
  'out-of-order': ['A later time had been seen to before.', 'Nothing is to be done.'],
  'too-late': [
    'Nothing could be started until long after its time.',
    'Run it now if it is still wanted; or have the schedule make up for missed times.',
  ],
  'not-started': [
    'The run was asked for and did not start.',
    'Run it now, and look at what the answer says.',
  ],
  'retry-overtaken': ['The schedule has started another run since.', 'Nothing is to be done.'],
  'webhook-refused': [
    'The receiver of an alert did not answer with 2xx.',
    'Look at the receiver; it is tried again for a day.',
  ],
  'webhook-unreachable': [
    'The receiver of an alert could not be reached.',
    'Check its address; it is tried again for a day.',
  ],
  'webhook-gone': [
    'The receiver of an alert says that its address is gone.',
    'Give the channel a new address.',
  ],
  'channel-gone': [
    'The alert channel was removed, or what is sealed of its address is gone.',
    'Remove the channel where it is still listed, and add it again.',
  ],
  'channel-off': ['The alert channel was turned off.', 'Turn it on, and send the message again.'],
  'target-kind': ['A channel stays a webhook or e-mail.', 'Add another channel.'],
  'address-unverified': [
    'Mail goes only to members who have confirmed their address.',
    'Have them confirm it.',
  ],
  'mail-not-configured': ['The installation sends no e-mail.', 'Use a webhook, or ask the operator.'],
  'mail-refused': ['The mail server does not take a message.', 'Check that the address takes mail.'],
  'mail-unavailable': ['The mail server did not answer.', 'It is tried again by itself.'],
} as const satisfies Record<string, ErrorEntry>;
