"""Which decoders of FFmpeg may run on the bytes of a stranger.

FFmpeg carries hundreds of decoders, most of them for games of the nineties and rarely looked at by anybody.
Only what phones, browsers and recorders write is allowed; the names are FFmpeg's decoder names.
"""

AUDIO = (
    "aac,mp3float,mp3,mp2float,mp2,mp1float,mp1,opus,libopus,vorbis,flac,alac,ac3,eac3,"
    "amrnb,libopencore_amrnb,amrwb,libopencore_amrwb,gsm_ms,gsm,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,"
    "pcm_alaw,pcm_mulaw,pcm_s8,pcm_u8,pcm_s16be,pcm_s16le,pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le,"
    "pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le"
)
VIDEO = "h264,hevc,libdav1d,av1,vp8,vp9,mpeg4,h263,cinepak,mjpeg,mjpegb,prores"

#: Decoders that take the place of FFmpeg's own. Those of AMR know no pauses: where a phone describes the silence, or
#: sends nothing until somebody speaks again (discontinuous transmission, 3GPP TS 26.093 and 26.193), they give an error
#: for every frame, and a memo of ten seconds lost four. OpenCORE's are the reference's fixed-point arithmetic.
FULLER = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}


def allowed(*, pictures: bool) -> str:
    """Decoder names for a file, separated by commas; cover art in a sound file is never decoded."""
    return f"{AUDIO},{VIDEO}" if pictures else AUDIO


def options(codec: str) -> dict[str, str]:
    """What a decoder looks at to find damage, and whether it leaves away what its container calls padding.

    To MPEG audio it looks like damage when an encoder left some bits over at the end of a granule, which is allowed and
    which some do in every frame, and it silences what is there: of 180 real MP3 files 14 sounded unlike what is heard.
    The last packet of ALAC says itself how long it is; with the padding of a CAF taken from that once more, a memo of
    0.05 s has 0.015 s, and any other may lack up to 85 ms.
    """
    if codec == "alac":
        return {"err_detect": "crccheck+bitstream+buffer", "flags2": "skip_manual"}
    return {"err_detect": "crccheck" if codec.startswith(("mp1", "mp2", "mp3")) else "crccheck+bitstream+buffer"}
