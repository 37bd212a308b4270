/** What the network may be (DESIGN §6): each mode contacts nobody outside its scope (promise I10). */
export type NetworkMode = 'public' | 'lan' | 'private' | 'offline'

/** The `network` section of the configuration, as this room needs it. */
export interface NetworkConfig {
  readonly mode: NetworkMode
  /** Multiaddrs to listen on; `null` means the mode's own. */
  readonly listen: readonly string[] | null
  /** Multiaddrs, each with `/p2p/…`, that are kept connected. */
  readonly peers: readonly string[]
  /** The file with the pre-shared key of a private network. */
  readonly swarmKey: string | null
}

/** Where each mode listens when the configuration does not say. */
export const DEFAULT_LISTEN: Readonly<Record<NetworkMode, readonly string[]>> = {
  public: ['/ip4/0.0.0.0/tcp/4001'],
  lan: ['/ip4/0.0.0.0/tcp/4001'],
  private: ['/ip4/0.0.0.0/tcp/4001'],
  offline: ['/ip4/127.0.0.1/tcp/0'],
}
