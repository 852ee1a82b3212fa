/* The reference of `moose bench publish`: confirmed publishing straight over librabbitmq, one connection, one thread.
 *
 * Usage: publish_loop COUNT BODY_BYTES WINDOW EXCHANGE ROUTING_KEY, with the broker's URL in MOOSE_AMQP_URL.
 * Prints the messages confirmed and the seconds from the first publish to the last confirm.
 */
#include <amqp.h>
#include <amqp_tcp_socket.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void fail(const char *what, const char *why) {
    fprintf(stderr, "publish_loop: %s: %s\n", what, why);
    exit(1);
}

static void check(amqp_connection_state_t connection, const char *what) {
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(connection);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
    fail(what, reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? amqp_error_string2(reply.library_error)
                                                                  : "the broker refused it");
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Reads one frame and counts what it confirms. `lowest` is the oldest tag that no multiple ack has covered; single
 * acks beyond it are marked, so that a later multiple ack counts none twice. */
static void read_confirm(amqp_connection_state_t connection, uint8_t *marked, uint64_t count, uint64_t *lowest,
                         uint64_t *confirmed) {
    amqp_frame_t frame;
    int status = amqp_simple_wait_frame(connection, &frame);
    if (status != AMQP_STATUS_OK) fail("reading confirms", amqp_error_string2(status));
    if (frame.frame_type != AMQP_FRAME_METHOD) return;
    if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
        fail("reading confirms", frame.payload.method.id == AMQP_BASIC_NACK_METHOD ? "a message was nacked"
                                                                                   : "an unexpected method came");
    }
    amqp_basic_ack_t *ack = frame.payload.method.decoded;
    if (ack->delivery_tag == 0 || ack->delivery_tag > count) fail("reading confirms", "a tag that was never sent");
    if (ack->multiple) {
        for (; *lowest <= ack->delivery_tag; (*lowest)++) {
            if (!marked[*lowest]) (*confirmed)++;
        }
    } else if (!marked[ack->delivery_tag]) {
        marked[ack->delivery_tag] = 1;
        (*confirmed)++;
    }
}

int main(int argc, char **argv) {
    const char *text = getenv("MOOSE_AMQP_URL");
    if (argc != 6 || !text) fail("usage", "publish_loop COUNT BODY_BYTES WINDOW EXCHANGE ROUTING_KEY");
    uint64_t count = strtoull(argv[1], NULL, 10);
    size_t bytes = strtoull(argv[2], NULL, 10);
    uint64_t window = strtoull(argv[3], NULL, 10);
    if (count == 0 || window == 0) fail("usage", "COUNT and WINDOW are at least 1");

    char *url = strdup(text);
    struct amqp_connection_info info;
    amqp_default_connection_info(&info);
    if (!url || amqp_parse_url(url, &info) != AMQP_STATUS_OK) fail("MOOSE_AMQP_URL", "it can't be read");
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket || amqp_socket_open(socket, info.host, info.port)) fail("connecting", "nobody answers");
    amqp_rpc_reply_t login =
        amqp_login(connection, info.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, info.user, info.password);
    if (login.reply_type != AMQP_RESPONSE_NORMAL) fail("logging in", "the broker refused it");
    amqp_channel_open(connection, 1);
    check(connection, "opening a channel");
    amqp_confirm_select(connection, 1);
    check(connection, "asking for confirms");

    uint8_t *marked = calloc(count + 2, 1);
    char *body = malloc(bytes ? bytes : 1);
    if (!marked || !body) fail("starting", "out of memory");
    memset(body, 'x', bytes);
    char id[37];
    amqp_basic_properties_t properties = {0};
    properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                        AMQP_BASIC_TYPE_FLAG;
    properties.content_type = amqp_cstring_bytes("application/json");
    properties.delivery_mode = 2;
    properties.type = amqp_cstring_bytes("moose.work-order.v1");
    amqp_bytes_t exchange = amqp_cstring_bytes(argv[4]);
    amqp_bytes_t key = amqp_cstring_bytes(argv[5]);
    amqp_bytes_t content = {bytes, body};

    uint64_t confirmed = 0, lowest = 1;
    double started = now();
    for (uint64_t tag = 1; tag <= count; tag++) {
        snprintf(id, sizeof id, "00000000-0000-7000-8000-%012llx", (unsigned long long)tag);
        properties.message_id = amqp_cstring_bytes(id);
        int status = amqp_basic_publish(connection, 1, exchange, key, 0, 0, &properties, content);
        if (status != AMQP_STATUS_OK) fail("publishing", amqp_error_string2(status));
        while (tag - confirmed >= window || amqp_data_in_buffer(connection) || amqp_frames_enqueued(connection)) {
            read_confirm(connection, marked, count, &lowest, &confirmed);
            amqp_maybe_release_buffers(connection);
        }
    }
    while (confirmed < count) read_confirm(connection, marked, count, &lowest, &confirmed);
    printf("%llu %.6f\n", (unsigned long long)confirmed, now() - started);

    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
    free(marked);
    free(body);
    free(url);
    return 0;
}
