/** What a line does to packets in one direction; what is not given it leaves alone. */
export interface Line {
  /** Milliseconds that each packet is under way. */
  readonly delay?: number
  /** The part of the packets that gets lost: 0.02 is two of a hundred, 1 is all. */
  readonly loss?: number
  /** Bytes a second. What comes faster waits in a queue of a fifth of a second, and is lost when that is full. */
  readonly rate?: number
}

/** From a host to the others, and back. */
export interface Lines {
  readonly up: Line
  readonly down: Line
}

/** Neither loses nor delays anything. */
export const CLEAR: Lines = { up: {}, down: {} }

/** The same in both directions. */
export function bothWays(line: Line): Lines {
  return { up: line, down: line }
}

/** Seconds of traffic that may wait at the slow end of a line. */
export const QUEUE = 0.2

/** Bytes of a full packet on the wire. */
export const PACKET = 1514
