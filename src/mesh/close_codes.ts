/**
 * Why a link ends: WebSocket close codes, told in a `bye` as well.
 *
 * @module
 */

/** 4000 to 4999 are free for applications (RFC 6455, section 7.4.2). */
export const CloseCode = {
  /** The node goes away, or makes room for another link. */
  normal: 4000,
  /** What came in is not the protocol. */
  protocol: 4001,
  /** The other node belongs to another subnet. */
  subnet: 4002,
  /** The other node speaks no common version. */
  version: 4003,
  /** The link leads back to the node that dialled it. */
  self: 4004,
  /** Another link to the same node took over. */
  retired: 4005,
  /** No handshake in time. */
  handshake: 4006,
  /** More than the limits allow. */
  overloaded: 4007,
  /** Nothing came from the other node for too long. */
  silent: 4008,
  /** The node was away for longer than deleted keys are remembered. */
  away: 4009,
  /** The other node does not know the secret, or has one and should not. */
  auth: 4010,
} as const;
/** One of the codes above. */
export type CloseCode = typeof CloseCode[keyof typeof CloseCode];
