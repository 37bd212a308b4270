/** The port cannot be opened as the configuration wants it; the message is one line for the operator. */
export class ListenError extends Error {
  static override readonly name = 'ListenError'
  override readonly name = 'ListenError'
}
