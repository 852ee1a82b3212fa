#!/bin/sh
# Makes the certificates of the TLS tests in the folder $1, by an authority of their own.
set -eu
cd "$1"
cat > ca.cnf <<'END'
[ca]
default_ca = authority
[authority]
dir = .
database = ./index
new_certs_dir = .
serial = ./serial
certificate = ./ca.pem
private_key = ./ca.key
default_md = sha256
policy = anything
unique_subject = no
copy_extensions = none
email_in_dn = no
rand_serial = yes
[anything]
commonName = supplied
END
: > index
authority() { # NAME: a self-signed authority
    openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$1 test authority" -days 2 -keyout "$1.key" -out "$1.pem" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
signed() { # NAME EXTENSIONS [FROM TO]: NAME.pem and NAME.key, signed by the authority ca
    printf '%s\n' "basicConstraints=CA:FALSE" "$2" > "$1.ext"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    openssl ca -batch -config ca.cnf -extfile "$1.ext" -in "$1.csr" -out "$1.pem" -notext \
        -startdate "${3:-20200101000000Z}" -enddate "${4:-20450101000000Z}"
}
authority ca
authority other-ca
# The authority's own dates would hide those of what it signs.
signed good "subjectAltName=DNS:localhost,IP:127.0.0.1"
signed named "subjectAltName=DNS:broker.example"
signed expired "subjectAltName=DNS:localhost" 20200101000000Z 20210101000000Z
signed early "subjectAltName=DNS:localhost" 20440101000000Z 20450101000000Z
signed client "extendedKeyUsage=clientAuth"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=stranger -days 2 -keyout stranger.key -out stranger.pem
openssl rsa -aes256 -passout pass:locked -in client.key -out locked.key
chmod 644 ./*
