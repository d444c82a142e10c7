/** The Bilateral Transfer Protocol 2.0 (RFC 23): packets. Connections are `backend/connector/transports/btp-*`. */
export * from './packet.ts'
export * from './uri.ts'
