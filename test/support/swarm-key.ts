/** The text of a `swarm.key` as Kubo and Heliport read it (the pre-shared key's file format, version 1.0.0). */
export function swarmKey(key: Uint8Array): string {
  return `/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(key).toString('hex')}\n`
}
