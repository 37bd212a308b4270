/** Room on the disk, of which some is always left. */
export interface Room {
  /** Asks for room for some more bytes, a few MiB at most. @throws the error of a full disk before it is full */
  make(): Promise<void>
}
