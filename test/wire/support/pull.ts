import { AssertionError } from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { digestOf } from '../../../src/oci/digest.ts'
import type { RandomManifest } from '../../support/random-image.ts'
import type { Node } from './network.ts'

/** How a download ended. */
export type End =
  /** All of it came, and it is what the digest says. */
  | { readonly kind: 'whole' }
  /** It was cut short, or refused, so that no client takes what came for the blob. */
  | { readonly kind: 'aborted'; readonly why: string }
  /** What must never be: an answer that looks complete and is not the blob. */
  | { readonly kind: 'wrong'; readonly digest: string }

/** A download of one blob that something happens to half-way. */
export class Download {
  /** How it ended. It never rejects. */
  readonly end: Promise<End>
  readonly #reached: Promise<void>

  /** @param mark bytes after which {@link half} resolves */
  constructor(node: Node, name: string, digest: string, mark: number) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#reached = promise
    const onBytes = (received: number): void => {
      if (received >= mark) resolve()
    }
    this.end = download(`${node.daemon.url}/v2/${name}/blobs/${digest}`, digest, onBytes)
  }

  /** Waits until as much as was marked has come. @throws when it ends before */
  async half(): Promise<void> {
    const early = this.end.then((end) => {
      throw new Error(`the download ended too early: ${JSON.stringify(end)}`)
    })
    await Promise.race([this.#reached, early])
  }
}

async function download(
  url: string,
  digest: string,
  onBytes: (received: number) => void,
): Promise<End> {
  const pieces: Uint8Array[] = []
  try {
    const response = await fetch(url)
    if (response.status !== 200) return { kind: 'aborted', why: `status ${response.status}` }
    let received = 0
    for await (const piece of response.body ?? []) {
      pieces.push(piece)
      onBytes((received += piece.length))
    }
  } catch (error) {
    // Whatever it is called: the client was told that this is not all.
    return { kind: 'aborted', why: error instanceof Error ? error.message : String(error) }
  }
  const found = digestOf(Buffer.concat(pieces))
  return found === digest ? { kind: 'whole' } : { kind: 'wrong', digest: found }
}

/**
 * Pulls until it works: a mirror may need a moment to find that a source is there again.
 *
 * @throws at once when a byte was wrong; with the last failure when the time is up
 */
export async function eventuallyPulls(
  { client }: Node,
  name: string,
  tag: string,
  image: RandomManifest,
): Promise<void> {
  const end = performance.now() + 120_000
  for (;;) {
    try {
      return await client.pullsExactly(name, tag, image)
    } catch (error) {
      if (error instanceof AssertionError || performance.now() > end) throw error
      await pause(1000)
    }
  }
}
