/** The field of every form that holds the session's token. */
export const CSRF_FIELD = 'csrfToken'
