    0  r3 = *(u32 *)(r1 +0)                        ; data
    1  r4 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r2 = r3                                     ; v13 bound
    3  r2 += 0x22                                  ; v13 bound
    4  if r2 > r4 -> punt short                    ; v13 bound
    5  r2 = *(u32 *)(r3 +26)                       ; v1 load
    6  r2 = be32 r2                                ; v1 load
    7  r5 = 0x1                                    ; v2 lookup
    8  if w2 == 0xa000001 -> .5                    ; v2 lookup
    9  w2 &= 0xffffff00                            ; v2 lookup
   10  if w2 == 0xc0000200 -> .5                   ; v2 lookup
   11  r5 = 0x0                                    ; v2 lookup
.5:
   12  if w5 != 0x0 -> punt source-own             ; v15 guard
   13  r2 = *(u16 *)(r3 +30)                       ; v5 lookup
   14  r2 = be16 r2                                ; v5 lookup
   15  w2 &= 0xffff                                ; v5 lookup
   16  w2 <<= 0x1                                  ; v5 lookup
   17  r5 = &route4[0]                             ; v5 lookup
   19  r5 += r2                                    ; v5 lookup
   20  r2 = *(u16 *)(r5 +0)                        ; v5 lookup
   21  if w2 < 0x8000 -> .8                        ; v5 lookup
   22  w2 &= 0x7                                   ; v5 lookup
   23  w2 <<= 0x9                                  ; v5 lookup
   24  r5 = *(u8 *)(r3 +32)                        ; v5 lookup
   25  w5 <<= 0x1                                  ; v5 lookup
   26  w5 += w2                                    ; v5 lookup
   27  r2 = &route4[131072]                        ; v5 lookup
   29  r2 += r5                                    ; v5 lookup
   30  r2 = *(u16 *)(r2 +0)                        ; v5 lookup
   31  if w2 < 0x8000 -> .8                        ; v5 lookup
.7:
   32  w2 &= 0x7                                   ; v5 lookup
   33  w2 <<= 0x9                                  ; v5 lookup
   34  r5 = *(u8 *)(r3 +33)                        ; v5 lookup
   35  w5 <<= 0x1                                  ; v5 lookup
   36  w5 += w2                                    ; v5 lookup
   37  r2 = &route4[131072]                        ; v5 lookup
   39  r2 += r5                                    ; v5 lookup
   40  r2 = *(u16 *)(r2 +0)                        ; v5 lookup
.8:
   41  w2 &= 0xf                                   ; v6 lookup
   42  w2 <<= 0x4                                  ; v6 lookup
   43  r5 = &nexthop[0]                            ; v6 lookup
   45  r5 += r2                                    ; v6 lookup
   46  r6 = *(u32 *)(r5 +8)                        ; v7 field
   47  *(u32 *)(rfp -8) = r6                       ; v8 lookup
   48  r1 = map device                             ; v8 lookup
   50  r2 = rfp                                    ; v8 lookup
   51  r2 += -0x8                                  ; v8 lookup
   52  *(u64 *)(rfp -16) = r5                      ; live through the call
   53  *(u64 *)(rfp -24) = r4                      ; live through the call
   54  *(u64 *)(rfp -32) = r3                      ; live through the call
   55  call FnMapLookupElem                        ; v8 lookup
   56  r3 = *(u64 *)(rfp -32)                      ; live through the call
   57  r4 = *(u64 *)(rfp -24)                      ; live through the call
   58  r5 = *(u64 *)(rfp -16)                      ; live through the call
   59  if r0 == 0x0 -> punt live-device            ; v17 guard
   60  r4 -= r3                                    ; v11 meta
   61  r2 = *(u32 *)(r0 +0)                        ; v10 field
   62  if w4 > w2 -> punt mtu                      ; v18 guard
   63  *(u8 *)(r5 +12) = 1                         ; v19 mark
   64  r2 = *(u64 *)(r5 +0)                        ; v12 field
   65  *(u64 *)(r3 +0) = r2                        ; v20 store.le
   66  r1 = r6                                     ; redirect
   67  r2 = 0x0                                    
   68  call FnRedirect                             
   69  exit                                        
punt short:
   70  call FnGetSmpProcessorId                    
   71  r2 = 0x10                                   
   72  goto -> count and pass                      
punt source-own:
   73  call FnGetSmpProcessorId                    
   74  r2 = 0x60                                   
   75  goto -> count and pass                      
punt mtu:
   76  call FnGetSmpProcessorId                    
   77  r2 = 0x120                                  
   78  goto -> count and pass                      
punt live-device:
   79  call FnGetSmpProcessorId                    
   80  r2 = 0x140                                  
count and pass:
   81  w0 <<= 0xb                                  
   82  w0 &= 0x800                                 
   83  r3 = &stats[0]                              
   85  r3 += r0                                    
   86  r3 += r2                                    
   87  r2 = *(u64 *)(r3 +0)                        
   88  r2 += 0x1                                   
   89  *(u64 *)(r3 +0) = r2                        
   90  r0 = 0x2                                    
   91  exit                                        
