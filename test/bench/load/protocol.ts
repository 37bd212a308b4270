import type { Blob } from './content.ts'

/** What the load client is asked to do; every order names the registry as `host:port`. */
export type Order =
  /** From then on it runs on that processor alone. */
  | { readonly do: 'pin'; readonly core: number }
  /** Pushes blobs as Docker does: POST, one PATCH, PUT. */
  | PushOrder
  /** Pushes an image: for each layer a HEAD first; the manifest last. */
  | (Omit<PushOrder, 'do'> & { readonly do: 'image'; readonly tag: string })
  /** Requests over and over, each connection one after the other. */
  | AskOrder
  /** Pushes manifests one after the other, each under a tag of its own. */
  | ManifestsOrder

export interface PushOrder {
  readonly do: 'push'
  readonly host: string
  readonly repository: string
  readonly blobs: readonly Blob[]
  readonly atOnce: number
}

export interface AskOrder {
  readonly do: 'ask'
  readonly host: string
  readonly method: 'GET' | 'HEAD'
  /** Taken in turn. */
  readonly paths: readonly string[]
  readonly connections: number
  readonly count: number
}

export interface ManifestsOrder {
  readonly do: 'manifests'
  readonly host: string
  readonly repository: string
  /** Both are in that repository. */
  readonly config: Blob
  readonly layer: Blob
  /** Makes manifests that were never there. */
  readonly seed: number
  readonly count: number
}

/** How long it took. */
export interface Timing {
  /** From the first request to the end of the last answer, in ms. */
  readonly ms: number
  /** Of each request of an `ask` or `manifests`, in ms, in the order of their ends. */
  readonly each: readonly number[]
}
