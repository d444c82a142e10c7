/** The admin UI: `main.ts` serves it. What whoever tests it has to know: its addresses, and how a session is sealed. */
export { pages } from './app/pages.ts'
export { createSessions } from './app/session/session.ts'
