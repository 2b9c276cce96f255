/** What was asked about is not there, or cannot be told from this log: a sentence for whoever asked. */
export class AuditError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AuditError';
  }
}
