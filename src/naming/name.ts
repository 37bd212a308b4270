import { multihashFromIPNSRoutingKey, multihashToIPNSRoutingKey } from '@helia/ipns'
import { base36 } from 'multiformats/bases/base36'
import { CID } from 'multiformats/cid'

const LIBP2P_KEY = 0x72

/** What all routing keys of IPNS begin with. */
export const IPNS_PREFIX = '/ipns/'

/** An IPNS name in its three forms. */
export interface IpnsName {
  /** `k51…`: the CIDv1 of the public key in base36 (IPNS spec, "IPNS Name"). */
  readonly text: string
  /** `/ipns/` and the multihash, in bytes (IPNS spec, "Routing record"). */
  readonly routingKey: Uint8Array
  /** Where records of the name are announced (IPNS spec, "IPNS over PubSub"). */
  readonly topic: string
}

/** Takes a name in its canonical text, as the configuration and the keychain give it. @throws when it is none */
export function ipnsName(text: string): IpnsName {
  return fromRoutingKey(multihashToIPNSRoutingKey(CID.parse(text, base36).multihash))
}

/** The name that a lookup asks for. @throws when the bytes are no routing key */
export function fromRoutingKey(routingKey: Uint8Array): IpnsName {
  const digest = multihashFromIPNSRoutingKey(routingKey)
  return {
    routingKey,
    text: CID.createV1(LIBP2P_KEY, digest).toString(base36),
    topic: `/record/${Buffer.from(routingKey).toString('base64url')}`,
  }
}
