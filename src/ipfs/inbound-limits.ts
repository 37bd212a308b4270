/*
 * What strangers may take of this node. A public node meets anybody, so each of these must hold whatever they send
 * (faults C21-C24). Configured peers are called by us, and none of this stands in their way.
 */

/** Connections in all. Beyond that, those that do the least are closed. */
export const MAX_CONNECTIONS = 300
/** Connections whose handshake is not through; it has ten seconds. */
export const MAX_PENDING = 100
/** Connections from one host in a second: the stock 5 would keep a fleet behind one NAT out. */
export const MAX_CONNECTIONS_PER_SECOND = 50
/** Sockets of one listener, the refused ones that are about to be closed included. */
export const MAX_SOCKETS = 512

/** Of one host, so that it does not take the places of all others: half of them. */
export const MAX_PENDING_PER_HOST = MAX_PENDING / 2
export const MAX_CONNECTIONS_PER_HOST = MAX_CONNECTIONS / 2
/** Of one peer: one is enough, and a relay, a second address or two calls at once can make it a few. */
export const MAX_CONNECTIONS_PER_PEER = 8

/** Streams that one connection may have opened to us, of all protocols. */
export const MAX_INBOUND_STREAMS = 128
/**
 * What arrived on the inbound streams of all connections, and is not done with. Bytes. The collector lags behind a flood,
 * so it costs some three times as much.
 */
export const MAX_HELD_BYTES = 32 * 1024 * 1024
/** The most that a handler holds of one stream whose messages are not told apart. Bytes. */
export const LARGEST_MESSAGE = 4 * 1024 * 1024
/** Of a stream, from which on it brings a large message; an honest peer sends one of these at a time. Bytes. */
export const LARGE_MESSAGE = 64 * 1024

/** Largest pubsub message: an IPNS record is at most 10 KiB, and comes with a signature and a topic. Bytes. */
export const MAX_GOSSIP_BYTES = 16 * 1024
/** Topics a peer may hold: a kilobyte each is counted, so some 250. Bytes. */
export const MAX_TOPIC_BYTES_PER_PEER = 256 * 1024

/** Of the protocols that have many messages on a stream; of one connection. */
export const MAX_MESSAGES_PER_SECOND = 1000
