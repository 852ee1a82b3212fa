// TLS as rabbitmq-c 0.11 doesn't offer it: the library hands out its OpenSSL context before it connects, and here that is
// told which certificates to trust and to show, and whose name or address to expect. What went wrong is kept in words.
#ifndef MOOSE_CRABBITMQ_TLS_H
#define MOOSE_CRABBITMQ_TLS_H
#include <amqp_ssl_socket.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/// What one handshake needs and what it found. Must outlive the handshake; `moose_tls_forget` ends its use.
struct moose_tls_watch {
    /// The name to ask the server for (SNI); NULL asks for none, as for an address, which is no name.
    const char *server_name;
    /// Opens the client's key; NULL when that has no password. Without it OpenSSL would ask the terminal.
    const char *key_password;
    /// Why the server's certificate was refused (X509_V_ERR_…); X509_V_OK when it wasn't.
    int verify_error;
    /// The server asked for a certificate and there was none to show.
    int lacked_certificate;
};

enum moose_tls_result {
    MOOSE_TLS_OK, MOOSE_TLS_BAD_AUTHORITIES, MOOSE_TLS_BAD_CERTIFICATE, MOOSE_TLS_BAD_KEY, MOOSE_TLS_KEY_OF_ANOTHER,
    MOOSE_TLS_BAD_NAME
};

static inline struct moose_tls_watch *moose_tls_watch_of(const SSL *ssl) {
    return (struct moose_tls_watch *)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static inline int moose_tls_verified(int ok, X509_STORE_CTX *store) {
    const SSL *ssl = (const SSL *)X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct moose_tls_watch *watch = ssl ? moose_tls_watch_of(ssl) : NULL;
    if (!ok && watch && watch->verify_error == X509_V_OK) watch->verify_error = X509_STORE_CTX_get_error(store);
    return ok;
}

static inline void moose_tls_event(const SSL *ssl, int where, int value) {
    (void)value;
    struct moose_tls_watch *watch = (where & SSL_CB_HANDSHAKE_START) ? moose_tls_watch_of(ssl) : NULL;
    // The library has just set the host's name, also where that is an address.
    if (watch) (void)SSL_set_tlsext_host_name((SSL *)ssl, watch->server_name);
}

static inline int moose_tls_certificate_wanted(SSL *ssl, X509 **certificate, EVP_PKEY **key) {
    (void)certificate;
    (void)key;
    struct moose_tls_watch *watch = moose_tls_watch_of(ssl);
    if (watch) watch->lacked_certificate = 1;
    return 0;
}

static inline int moose_tls_key_password(char *buffer, int size, int writing, void *data) {
    (void)writing;
    const struct moose_tls_watch *watch = (const struct moose_tls_watch *)data;
    if (!watch || !watch->key_password) return -1;
    int length = 0;
    while (watch->key_password[length]) length++;
    if (length > size) return -1;
    for (int i = 0; i < length; i++) buffer[i] = watch->key_password[i];
    return length;
}

/// Prepares the library's TLS socket for one connection.
/// - name: the host name, or the address as text, that the server's certificate must hold.
/// - authorities: a file of trusted certificates; NULL takes the system's, or SSL_CERT_FILE and SSL_CERT_DIR.
/// - certificate, key: the client's files in PEM, or NULL.
static inline enum moose_tls_result moose_tls_prepare(amqp_socket_t *socket, struct moose_tls_watch *watch, int verify,
                                                      const char *name, int is_address, const char *authorities,
                                                      const char *certificate, const char *key) {
    SSL_CTX *context = (SSL_CTX *)amqp_ssl_socket_get_context(socket);
    ERR_clear_error();
    SSL_CTX_set_app_data(context, watch);
    SSL_CTX_set_info_callback(context, moose_tls_event);
    SSL_CTX_set_client_cert_cb(context, moose_tls_certificate_wanted);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // OpenSSL checks both: the library's own look at the name knows no addresses and can't tell what is wrong.
    amqp_ssl_socket_set_verify_peer(socket, 0);
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, moose_tls_verified);
    if (verify) {
        X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);
        // A file may hold just the authority that signs, without that one's own signer.
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        const int named = is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, name) : X509_VERIFY_PARAM_set1_host(param, name, 0);
        if (named != 1) return MOOSE_TLS_BAD_NAME;
        const int trusts = authorities ? SSL_CTX_load_verify_locations(context, authorities, NULL)
                                       : SSL_CTX_set_default_verify_paths(context);
        if (trusts != 1) return MOOSE_TLS_BAD_AUTHORITIES;
    }
    if (certificate && key) {
        SSL_CTX_set_default_passwd_cb(context, moose_tls_key_password);
        SSL_CTX_set_default_passwd_cb_userdata(context, watch);
        if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) return MOOSE_TLS_BAD_CERTIFICATE;
        if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
            return ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ? MOOSE_TLS_KEY_OF_ANOTHER
                                                                                      : MOOSE_TLS_BAD_KEY;
        }
        if (SSL_CTX_check_private_key(context) != 1) return MOOSE_TLS_KEY_OF_ANOTHER;
    }
    ERR_clear_error();
    return MOOSE_TLS_OK;
}

/// The socket uses its watch no more.
static inline void moose_tls_forget(amqp_socket_t *socket) {
    SSL_CTX *context = (SSL_CTX *)amqp_ssl_socket_get_context(socket);
    SSL_CTX_set_app_data(context, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
}

/// The reason of the last error of TLS on this thread (SSL_R_…), 0 when there is none.
static inline int moose_tls_last_reason(void) {
    const unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
}

/// The last error of TLS on this thread in OpenSSL's words; NULL when there is none.
static inline const char *moose_tls_last_words(void) { return ERR_reason_error_string(ERR_peek_last_error()); }
#endif
