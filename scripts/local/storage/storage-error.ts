/** A refusal in the form of the JSON API: HTTP status, reason word, sentence. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
  /** The body Cloud Storage would answer. */
  toBody(): unknown {
    const error = { message: this.message, domain: 'global', reason: this.reason };
    return { error: { code: this.status, message: this.message, errors: [error] } };
  }
}
