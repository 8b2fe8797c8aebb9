/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/network.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "daemon/journal.h"

/* What the kernel says at once; see NLMSG_GOODSIZE. */
#define MESSAGES_MAX 32768

/* A machine with more than so many addresses has some of them announced as new again and again. */
#define ADDRESSES_MAX 64

#define GROUPS (RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)

typedef struct Address {
        unsigned char family;
        unsigned interface;
        unsigned char bytes[16];
} Address;

struct Network {
        int fd;
        sd_event_source *source;
        Address addresses[ADDRESSES_MAX]; /* those that are there, the oldest first */
        unsigned n_addresses;
        NetworkHandler handler;
        void *userdata;
};

/* Where there is none, all NUL. A point-to-point link has its own as IFA_LOCAL, all else as
 * IFA_ADDRESS. */
static Address address_read(const struct nlmsghdr *message) {
        const struct ifaddrmsg *fixed = NLMSG_DATA(message);
        const struct rtattr *attribute = IFA_RTA(fixed);
        int n = (int)IFA_PAYLOAD(message);
        Address address = { .family = fixed->ifa_family, .interface = fixed->ifa_index };
        bool local = false;

        for (; RTA_OK(attribute, n); attribute = RTA_NEXT(attribute, n)) {
                size_t size = RTA_PAYLOAD(attribute);

                if (size > sizeof(address.bytes) || local)
                        continue;
                if (attribute->rta_type == IFA_LOCAL || attribute->rta_type == IFA_ADDRESS)
                        memcpy(address.bytes, RTA_DATA(attribute), size);
                local = attribute->rta_type == IFA_LOCAL;
        }
        return address;
}

static bool address_equal(const Address *a, const Address *b) {
        return a->family == b->family && a->interface == b->interface &&
               memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Whether it was there. */
static bool network_forget(Network *network, const Address *address) {
        for (unsigned i = 0; i < network->n_addresses; i++)
                if (address_equal(network->addresses + i, address)) {
                        network->n_addresses--;
                        memmove(network->addresses + i, network->addresses + i + 1,
                                (network->n_addresses - i) * sizeof(*address));
                        return true;
                }
        return false;
}

/* Whether it was not there. */
static bool network_learn(Network *network, const Address *address) {
        bool known = network_forget(network, address);
        Address oldest = network->addresses[0];

        if (network->n_addresses == ADDRESSES_MAX)
                network_forget(network, &oldest);
        network->addresses[network->n_addresses++] = *address;
        return !known;
}

/* Of one that is still probed whether somebody else has it nothing can be sent; it is told of again
 * once it is there. */
static bool network_take_address(Network *network, const struct nlmsghdr *message) {
        const struct ifaddrmsg *fixed = NLMSG_DATA(message);
        Address address;

        if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*fixed)) || fixed->ifa_scope >= RT_SCOPE_LINK)
                return false;
        address = address_read(message);
        if (message->nlmsg_type == RTM_DELADDR)
                return network_forget(network, &address);
        if (fixed->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
                return false;
        /* Those of the answer to our question have been there before. */
        return network_learn(network, &address) && !(message->nlmsg_flags & NLM_F_MULTI);
}

static bool is_default_route(const struct nlmsghdr *message) {
        const struct rtmsg *fixed = NLMSG_DATA(message);

        return message->nlmsg_len >= NLMSG_LENGTH(sizeof(*fixed)) && fixed->rtm_dst_len == 0 &&
               fixed->rtm_table == RT_TABLE_MAIN && fixed->rtm_type == RTN_UNICAST;
}

static void network_take(Network *network, const struct nlmsghdr *message) {
        switch (message->nlmsg_type) {
        case RTM_NEWADDR:
        case RTM_DELADDR:
                if (network_take_address(network, message))
                        network->handler("its addresses", network->userdata);
                break;
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
                if (is_default_route(message))
                        network->handler("its default route", network->userdata);
                break;
        default:
                break;
        }
}

/* Asks which addresses there are. The answer comes like what the kernel tells unasked. */
static int network_ask(Network *network) {
        struct {
                struct nlmsghdr head;
                struct ifaddrmsg fixed;
        } question = {
                .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
                          .nlmsg_type = RTM_GETADDR,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        };

        return send(network->fd, &question, question.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* More was told than there was room for. */
static void network_missed(Network *network) {
        network->n_addresses = 0;
        (void)network_ask(network);
        network->handler("more than could be followed", network->userdata);
}

/* Whether there may be more. */
static bool network_receive(Network *network) {
        _Alignas(struct nlmsghdr) char buffer[MESSAGES_MAX];
        struct sockaddr_nl sender = { 0 };
        socklen_t size = sizeof(sender);
        ssize_t n;

        n = recvfrom(network->fd, buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)&sender,
                     &size);
        if (n < 0 && errno == ENOBUFS)
                network_missed(network);
        if (n < 0)
                return errno == EINTR || errno == ENOBUFS;
        /* Other processes may write here too. */
        if (size != sizeof(sender) || sender.nl_pid != 0)
                return true;

        unsigned rest = (unsigned)n;

        for (const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
             NLMSG_OK(message, rest); message = NLMSG_NEXT(message, rest))
                network_take(network, message);
        return true;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void)source;
        (void)fd;
        (void)events;
        while (network_receive(userdata))
                ;
        return 0;
}

static int network_open(Network *network) {
        struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUPS };

        network->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
        if (network->fd < 0 || bind(network->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return network_ask(network);
}

int network_new(Network **ret, sd_event *event, NetworkHandler handler, void *userdata) {
        CLEANUP(network_freep) Network *network = calloc(1, sizeof(*network));
        int r;

        if (!network)
                return -ENOMEM;
        network->fd = -1;
        network->handler = handler;
        network->userdata = userdata;
        r = network_open(network);
        if (r < 0) {
                errno = -r;
                journal_log(LOG_DEBUG, NULL,
                            "The kernel does not tell of addresses and routes: %m");
        } else {
                r = sd_event_add_io(event, &network->source, network->fd, EPOLLIN, on_readable,
                                    network);
                if (r < 0)
                        return r;
        }

        *ret = TAKE(network);
        return 0;
}

Network *network_free(Network *network) {
        if (!network)
                return NULL;
        sd_event_source_disable_unref(network->source);
        closep(&network->fd);
        free(network);
        return NULL;
}
